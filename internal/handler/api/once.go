package api

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"strings"

	"shirase/internal/announce"
	"shirase/internal/incident"
)

// Conditions are the headers that make a change safe to repeat and safe to
// make. They are honoured, never demanded.
type Conditions struct {
	Key     string `header:"Idempotency-Key" maxLength:"255" pattern:"^[\\x21-\\x7e]*$" doc:"A repeat of the request with the same key within 48 hours gets the same answer."`
	IfMatch string `header:"If-Match" maxLength:"32" doc:"The incident's version you have seen, as the ETag or as a number. If it has moved on, nothing is done."`
}

// actor says who asks, with what Conditions. The route tells keys of different
// routes apart.
func (c Conditions) actor(ctx context.Context, route string, body []byte) (announce.Actor, error) {
	p := principal(ctx)
	a := announce.Actor{Name: p.Name}
	if c.Key != "" {
		a.Once = &announce.Once{Key: digest(p.Name, route, c.Key), Body: digest(string(body))}
	}
	if c.IfMatch != "" && c.IfMatch != "*" {
		v, err := strconv.Atoi(strings.Trim(strings.TrimPrefix(c.IfMatch, "W/"), `"`))
		if err != nil || v < 1 {
			return a, incident.Invalid("If-Match", "must be a version, such as \"7\"")
		}
		a.IfMatch = v
	}
	return a, nil
}

func digest(parts ...string) string {
	h := sha256.New()
	for _, p := range parts {
		h.Write([]byte(strconv.Itoa(len(p)) + ":" + p))
	}
	return hex.EncodeToString(h.Sum(nil))
}

func etag(version int) string { return `"` + strconv.Itoa(version) + `"` }
