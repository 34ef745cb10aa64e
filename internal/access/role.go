package access

import "slices"

// Role is what a key may do. Each role may do what those before it may.
type Role string

// The roles, least first.
const (
	Viewer    Role = "viewer"    // read
	Responder Role = "responder" // announce
	Approver  Role = "approver"  // approve what others wrote
	Admin     Role = "admin"     // change the plan, and the keys
)

var roles = []Role{Viewer, Responder, Approver, Admin}

// Valid reports whether r is one of the roles.
func (r Role) Valid() bool { return slices.Contains(roles, r) }

// May reports whether a key of role r may do what needs another role. Nothing
// that is no role may do anything, and nobody may do what needs no role.
func (r Role) May(need Role) bool {
	return need.Valid() && slices.Index(roles, r) >= slices.Index(roles, need)
}

// Principal is who a key belongs to.
type Principal struct {
	// Name is the key's label. It stands beside what is done with the key.
	Name string
	Role Role
}
