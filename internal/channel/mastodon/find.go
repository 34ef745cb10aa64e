package mastodon

import (
	"context"
	"encoding/json"
	"html"
	"net/http"
	"regexp"
	"strings"
	"time"
	"unicode"

	"shirase/internal/channel"
	"shirase/internal/deliver"
)

// find looks for an envelope's text among the newest posts of the account, for
// tries so late that the server has forgotten the key. It answers the id, or
// nothing where the text is not there or the token may not look: then posting
// twice is better than not at all.
func (s *Sender) find(ctx context.Context, a account, e deliver.Envelope) (string, *deliver.Failure) {
	self, f := s.get(ctx, a, "/api/v1/accounts/verify_credentials")
	if f != nil || self == nil {
		return "", f
	}
	id, err := posted(self)
	if err != nil {
		return "", nil
	}
	list, f := s.get(ctx, a, "/api/v1/accounts/"+id+"/statuses?limit=40&exclude_reblogs=true")
	if f != nil {
		return "", f
	}
	return among(list, e.Content.Text, e.At), nil
}

// get answers a body, nothing where we may not read it, or a failure that is
// worth another try.
func (s *Sender) get(ctx context.Context, a account, path string) ([]byte, *deliver.Failure) {
	answer, err := s.client.Get(ctx, a.server+path, a.header())
	if err != nil {
		f := channel.Broken(err)
		if f.Reason == deliver.TimedOut {
			f.Reason = deliver.Unavailable // nothing was posted by looking
		}
		return nil, f
	}
	switch f := s.judge(answer); {
	case answer.OK():
		return answer.Body, nil
	case answer.Status == http.StatusUnauthorized, f.Reason == deliver.Throttled:
		return nil, f
	case answer.Status >= http.StatusInternalServerError:
		f.Reason = deliver.Unavailable
		return nil, f
	}
	return nil, nil
}

// among answers the id of the status that holds the text and is no older.
func among(list []byte, text string, since time.Time) string {
	var posts []struct {
		ID      string    `json:"id"`
		Created time.Time `json:"created_at"`
		Content string    `json:"content"`
	}
	if json.Unmarshal(list, &posts) != nil {
		return ""
	}
	want := squeeze(text)
	for _, p := range posts {
		if !p.Created.Before(since.Truncate(time.Second)) && plain(p.ID) && squeeze(words(p.Content)) == want {
			return p.ID
		}
	}
	return ""
}

var tag = regexp.MustCompile(`<[^>]*>`)

// words takes the tags out of what a server shows.
func words(content string) string { return html.UnescapeString(tag.ReplaceAllString(content, "")) }

// squeeze takes out all space, since servers break lines in their own way.
func squeeze(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) {
			return -1
		}
		return r
	}, s)
}
