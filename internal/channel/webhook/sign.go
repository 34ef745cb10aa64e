package webhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// prefix begins every secret.
const prefix = "whsec_"

// Keys are what a request is signed with: one, or two while an old secret gives
// way to a new one.
type Keys [][]byte

// maxKeys is how many secrets may be in force at once.
const maxKeys = 2

// ParseKeys reads the secrets of an endpoint: one or two of the form
// whsec_<base64>, parted by a space, 24 to 64 bytes each. Its errors hold no
// part of a secret.
func ParseKeys(secret string) (Keys, error) {
	var ks Keys
	for s := range strings.FieldsSeq(secret) {
		b64, ok := strings.CutPrefix(s, prefix)
		if !ok {
			return nil, errors.New("secret does not begin with " + prefix)
		}
		k, err := base64.StdEncoding.DecodeString(b64)
		if err != nil || len(k) < 24 || len(k) > 64 {
			return nil, errors.New("secret is not the base64 of 24 to 64 bytes")
		}
		ks = append(ks, k)
	}
	if len(ks) == 0 || len(ks) > maxKeys {
		return nil, errors.New("secret must be one or two of the form " + prefix + "…")
	}
	return ks, nil
}

// Headers answers the headers of a signed request with this body. The id is the
// same at every try, the time is that of this one.
func (ks Keys) Headers(id string, at time.Time, body []byte) http.Header {
	unix := strconv.FormatInt(at.Unix(), 10)
	signatures := make([]string, len(ks))
	for i, k := range ks {
		mac := hmac.New(sha256.New, k)
		mac.Write([]byte(id + "." + unix + "."))
		mac.Write(body)
		signatures[i] = "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
	}
	return http.Header{
		"Content-Type":      {"application/cloudevents+json"},
		"Webhook-Id":        {id},
		"Webhook-Timestamp": {unix},
		"Webhook-Signature": {strings.Join(signatures, " ")},
	}
}
