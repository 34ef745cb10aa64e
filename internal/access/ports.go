package access

import "context"

// Store keeps keys. No more than [MaxKeys] are ever put into one.
type Store interface {
	// Load answers the key with an id, strongly consistent, or ErrNotFound.
	Load(ctx context.Context, id string) (Key, error)
	// Add keeps a new key, and answers ErrConflict if there is one of its id. A
	// second try after a lost answer is such a conflict.
	Add(ctx context.Context, k Key) error
	// List answers every key by id, strongly consistent.
	List(ctx context.Context) ([]Key, error)
	// Delete forgets a key. One that is not there is no error.
	Delete(ctx context.Context, id string) error
}
