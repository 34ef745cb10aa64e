package announce

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

// digest names bytes.
func digest(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:16])
}

// maxRaw is how much is kept of what could not be read.
const maxRaw = 8 << 10

// cut bounds raw bytes and makes them text.
func cut(b []byte) string {
	if len(b) > maxRaw {
		b = b[:maxRaw]
	}
	return strings.ToValidUTF8(string(b), "\uFFFD")
}
