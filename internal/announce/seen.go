package announce

import (
	"context"
	"crypto/sha256"
	"encoding/base32"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"shirase/internal/incident"
)

// sealLife is how long after a preview its very texts may be published. What
// they say of times grows old; five minutes later a promise may be too near.
const sealLife = 15 * time.Minute

// seal names texts together with the moment they were written for, since that
// moment stands in them: when we noticed, by when we write again.
func seal(at time.Time, digest string) string {
	return strconv.FormatInt(at.UnixMilli(), 36) + "-" + digest
}

func unseal(hash string) (at time.Time, digest string, ok bool) {
	moment, digest, ok := strings.Cut(hash, "-")
	ms, err := strconv.ParseInt(moment, 36, 64)
	return time.UnixMilli(ms).UTC(), digest, ok && err == nil
}

// seen prepares an update with exactly the texts that a preview's hash names,
// which were written for a moment a little earlier, or answers a [*StaleError]
// with the texts as they would be now. Without a hash it simply prepares the
// update. Prepare does so for a moment, with the promise that is given, if any.
func (s *Service) seen(hash string, now time.Time, prepare func(at, next time.Time) (prepared, error)) (prepared, error) {
	stale := func() (prepared, error) {
		p, err := prepare(now, time.Time{})
		if err != nil {
			return prepared{}, err
		}
		return prepared{}, &StaleError{p.sealed()}
	}
	if hash == "" {
		return prepare(now, time.Time{})
	}
	at, digest, ok := unseal(hash)
	if !ok || at.After(now) || now.Sub(at) > sealLife {
		return stale()
	}
	then, err := prepare(at, time.Time{})
	if err != nil {
		return prepared{}, err
	}
	next := then.update.Next
	if then.hash != digest || !next.IsZero() && next.Sub(now) < minPromise && next.Sub(at) >= minPromise {
		return stale()
	}
	p, err := prepare(now, next)
	if err != nil {
		return prepared{}, err
	}
	p.messages, p.findings, p.hash = then.messages, then.findings, then.hash
	return p, nil
}

// sealed is the preview of texts that were rendered for the update's own time.
func (p prepared) sealed() Preview {
	v := p.preview()
	v.Hash = seal(p.update.At, p.hash)
	return v
}

// idLetters are those of a ULID in lower case.
var idLetters = base32.NewEncoding("0123456789abcdefghjkmnpqrstvwxyz").WithPadding(base32.NoPadding)

// maxSame is how often the very same opening may be previewed and published.
const maxSame = 64

// idOf names the incident that an input would open: the same for the preview
// and for whoever publishes it, since the link stands in the texts. It is the
// first that is free.
func (s *Service) idOf(ctx context.Context, in OpenInput) (incident.ID, error) {
	in.Hash = ""
	b, err := json.Marshal(in)
	if err != nil {
		return "", fmt.Errorf("encode opening: %w", err)
	}
	for n := range maxSame {
		sum := sha256.Sum256(append(b, byte(n)))
		id := incident.ID(idLetters.EncodeToString(sum[:])[:idLength])
		if in.Drill {
			id = incident.DrillPrefix + id
		}
		if _, err := s.Incidents.Incident(ctx, id); errors.Is(err, incident.ErrNotFound) {
			return id, nil
		} else if err != nil {
			return "", fmt.Errorf("read incident: %w", err)
		}
	}
	return "", fmt.Errorf("the same has been opened %d times: %w", maxSame, incident.ErrConflict)
}
