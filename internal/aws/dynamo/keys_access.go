package dynamo

// The keys of the API, in the table incidents. All stand in one partition, so that
// they are listed strongly; there are few.

const (
	pkAPIKeys = "Y#"
	skAPIKeys = "K#"
)

func keyAPIKey(id string) key { return key{pkAPIKeys, skAPIKeys + part(id)} }
