package slack

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"shirase/internal/channel"
	"shirase/internal/deliver"
)

// answer is what the Web API answers, with status 200 also where it refuses.
type answer struct {
	OK      bool   `json:"ok"`
	Error   string `json:"error"`
	Channel string `json:"channel"`
	TS      string `json:"ts"`
}

// decode reads an answer. One that says ok without saying what was posted is
// none.
func decode(body []byte) (answer, error) {
	var a answer
	if err := json.Unmarshal(body, &a); err != nil {
		return answer{}, errors.New("answer is not of the Web API")
	}
	if a.OK && (!plain(a.Channel) || !plain(a.TS)) {
		return answer{}, errors.New("answer names no post")
	}
	return a, nil
}

func plain(s string) bool {
	for _, b := range []byte(s) {
		if (b|0x20 < 'a' || b|0x20 > 'z') && (b < '0' || b > '9') && b != '.' {
			return false
		}
	}
	return s != "" && len(s) <= 64
}

// word answers an error code of Slack's as it may stand in an error of ours:
// nothing that is no code.
func word(s string) string {
	for _, b := range []byte(s) {
		if (b < 'a' || b > 'z') && b != '_' {
			return ""
		}
	}
	if len(s) > 60 {
		return ""
	}
	return s
}

// id names a post by its room and time.
type id struct {
	channel, ts string
}

func (i id) String() string { return i.channel + ":" + i.ts }

// parseID reads an id that was kept; one without a room is of the room given.
func parseID(s, room string) id {
	c, ts, ok := strings.Cut(s, ":")
	if !ok {
		return id{channel: room, ts: s}
	}
	return id{channel: c, ts: ts}
}

var (
	// errGone marks that the post to be changed is no more.
	errGone = errors.New("post is gone")
	// errFixed marks that the post is there and may not be changed.
	errFixed = errors.New("post cannot be changed")
)

// reasons says what Slack's codes mean, of both ways. A code that stands not
// here is judged by the status, or refuses this post.
//
// https://docs.slack.dev/reference/methods/chat.postMessage
var reasons = map[string]deliver.Reason{
	"ratelimited":  deliver.Throttled,
	"rate_limited": deliver.Throttled,

	"access_denied":            deliver.Unauthorised,
	"accesslimited":            deliver.Unauthorised,
	"account_inactive":         deliver.Unauthorised,
	"ekm_access_denied":        deliver.Unauthorised,
	"enterprise_is_restricted": deliver.Unauthorised,
	"invalid_auth":             deliver.Unauthorised,
	"invalid_token":            deliver.Unauthorised,
	"missing_scope":            deliver.Unauthorised,
	"no_active_hooks":          deliver.Unauthorised,
	"no_permission":            deliver.Unauthorised,
	"no_service":               deliver.Unauthorised,
	"no_team":                  deliver.Unauthorised,
	"not_allowed_token_type":   deliver.Unauthorised,
	"not_authed":               deliver.Unauthorised,
	"org_login_required":       deliver.Unauthorised,
	"team_access_not_granted":  deliver.Unauthorised,
	"team_disabled":            deliver.Unauthorised,
	"token_expired":            deliver.Unauthorised,
	"token_revoked":            deliver.Unauthorised,

	"action_prohibited":   deliver.Rejected,
	"channel_not_found":   deliver.Rejected,
	"invalid_blocks":      deliver.Rejected,
	"invalid_payload":     deliver.Rejected,
	"msg_blocks_too_long": deliver.Rejected,
	"msg_too_long":        deliver.Rejected,
	"no_text":             deliver.Rejected,
	"not_in_channel":      deliver.Rejected,
	"restricted_action":   deliver.Rejected,
	"user_not_found":      deliver.Rejected,

	"channel_is_archived": deliver.Gone,
	"is_archived":         deliver.Gone,

	"team_added_to_org":   deliver.Unavailable,
	"service_unavailable": deliver.Unavailable,
	"rollup_error":        deliver.Unavailable,

	// Slack says of these that part of it may have been done.
	"fatal_error":     deliver.TimedOut,
	"internal_error":  deliver.TimedOut,
	"request_timeout": deliver.TimedOut,
}

// refused says what a refusal means. Limits are per room, or per webhook.
func (s *Sender) refused(a channel.Answer, code string) *deliver.Failure {
	status := a
	if status.OK() {
		status.Status = http.StatusBadRequest // the refusal is in the body
		if reasons[code] == deliver.Throttled {
			status.Status = http.StatusTooManyRequests
		}
	}
	f := channel.Judge(status, channel.Provider, s.now())
	if r, ok := reasons[code]; ok {
		f.Reason = r
	}
	f.Recipient = f.Reason == deliver.Throttled
	if code == "" {
		f.Err = fmt.Errorf("status %d without a code we know", a.Status)
		return f
	}
	f.Err = errors.New(code)
	switch code {
	case "message_not_found":
		f.Err = fmt.Errorf("%s: %w", code, errGone)
	case "cant_update_message", "edit_window_closed":
		f.Err = fmt.Errorf("%s: %w", code, errFixed)
	}
	return f
}
