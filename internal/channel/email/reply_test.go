package email

import (
	"context"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"shirase/internal/deliver"
)

// script is a relay that says what is written down, whatever it is told, and
// then hangs up.
type script struct {
	net.Conn
	*strings.Reader
}

func (s script) Read(b []byte) (int, error)     { return s.Reader.Read(b) }
func (script) Write(b []byte) (int, error)      { return len(b), nil }
func (script) Close() error                     { return nil }
func (script) SetDeadline(time.Time) error      { return nil }
func (script) SetReadDeadline(time.Time) error  { return nil }
func (script) SetWriteDeadline(time.Time) error { return nil }

// talk holds a conversation with a relay up to the end of one mail.
func talk(ctx context.Context, user, said string) error {
	raw := script{Reader: strings.NewReader(said)}
	s := &Sender{config: Config{Host: "localhost", Security: Plain, Hello: "localhost", User: user}}
	client, err := s.greet(ctx, raw, "s3cret")
	if err != nil {
		return err
	}
	c := &conn{raw: raw, client: client}
	return c.carry(ctx, Mail{From: "status@minato.test", To: "reader@example.test", Bytes: []byte("Subject: x\r\n\r\nx\r\n")})
}

// FuzzReply lets a relay say anything. Every end means something, and the error
// repeats none of its words.
func FuzzReply(f *testing.F) {
	const canary = "canary-9731"
	greeting := "220 relay.test\r\n250-relay.test\r\n250-AUTH PLAIN LOGIN\r\n250 8BITMIME\r\n"
	signed := greeting + "235 ok\r\n"
	for _, said := range []string{
		"", "220", "220 \r\n", "554 " + canary + "\r\n", "220-" + canary + "\r\n", "999 x\r\n", "-1 x\r\n", "220 relay.test\r\n500 x\r\n500 " + canary + "\r\n",
		greeting + "535 5.7.8 " + canary + "\r\n", greeting + "334 " + canary + "\r\n", greeting + "334 VXNlcm5hbWU6\r\n334 UGFzc3dvcmQ6\r\n235 ok\r\n",
		signed + "250 ok\r\n550 5.1.1 <" + canary + ">\r\n250 ok\r\n", signed + "250 ok\r\n452 4.2.2 full\r\n",
		signed + "553 " + canary + "\r\n", signed + "250 ok\r\n250 ok\r\n354 go\r\n250 2.0.0 " + canary + "\r\n",
		signed + "250 ok\r\n250 ok\r\n354 go\r\n", signed + "250 ok\r\n250 ok\r\n354 go\r\n421 " + canary + "\r\n", signed + "250 ok\r\n250 ok\r\n354 go\r\n" + canary,
	} {
		f.Add("", strings.Replace(strings.Replace(said, "235 ok\r\n", "", 1), "250-AUTH PLAIN LOGIN\r\n", "", 1))
		f.Add("shirase", said)
	}
	known := []deliver.Reason{
		deliver.Rejected, deliver.Throttled, deliver.Unavailable, deliver.Unauthorised, deliver.TimedOut,
	}
	f.Fuzz(func(t *testing.T, user, said string) {
		err := talk(t.Context(), user, said)
		if err == nil {
			if !strings.Contains(said, "250") {
				t.Errorf("%q took the mail, want a reply that says so", said)
			}
			return
		}
		fail := judge(err)
		if !slices.Contains(known, fail.Reason) || fail.Err == nil {
			t.Fatalf("%q = %+v, want a reason", said, fail)
		}
		if strings.Contains(fail.Err.Error(), canary) || strings.Contains(fail.Err.Error(), "s3cret") {
			t.Errorf("%q = %v, which repeats it", said, fail.Err)
		}
	})
}
