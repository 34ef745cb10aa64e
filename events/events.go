// Package events holds sample inputs for every function: what AWS would hand
// it, as files events/<function>/<case>.json. The README says where each shape
// comes from. The demo, the tests and whoever calls /invoke use the same files.
package events

import "embed"

// Files are the samples, by <function>/<case>.json.
//
//go:embed */*.json */*/*.json
var Files embed.FS
