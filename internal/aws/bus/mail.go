package bus

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode"

	"github.com/aws/aws-sdk-go-v2/service/sns/types"

	"shirase/internal/message"
)

// The limits of a message
// (https://docs.aws.amazon.com/sns/latest/api/API_Publish.html). Subjects must be
// shorter than 100 characters. Of the 256 KiB, attributes and subject take some.
const (
	maxSubject = 99
	maxMessage = 256<<10 - 2<<10
)

// mail is what a reader by SNS email gets: plain text, to which SNS adds its own
// link to unsubscribe.
type mail struct{ subject, text string }

// structured writes a message of one body for each protocol: the pointer for
// programs, the mail's text for people. The text is cut at a whole character where
// both would be too long; the pointer never is. Without a text all get the pointer.
func structured(pointer string, m mail) (string, error) {
	for text, room := m.text, maxMessage/2; ; room /= 2 {
		s, err := encode(pointer, text)
		if err != nil || len(s) <= maxMessage || text == "" {
			return s, err
		}
		text = cut(m.text, room)
	}
}

// encode leaves the marks of HTML as they are: escaped each takes six bytes.
func encode(pointer, text string) (string, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err := enc.Encode(struct {
		Default string `json:"default"`
		SQS     string `json:"sqs"`
		Email   string `json:"email,omitempty"`
	}{pointer, pointer, text})
	if err != nil {
		return "", fmt.Errorf("encode message: %w", err)
	}
	return strings.TrimSpace(b.String()), nil
}

// cut answers the beginning of a text in at most that many bytes, ended at a whole
// character.
func cut(text string, room int) string {
	if len(text) <= room {
		return text
	}
	return message.Fit(text, "", message.Limit{Unit: message.Bytes, Max: room})
}

// subject answers a text as SNS takes it in a subject: one line without control
// characters, cut at a whole character.
func subject(s string) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == '\u2028' || r == '\u2029' {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
	return message.Fit(strings.Join(strings.Fields(s), " "), "", message.Limit{Unit: message.Runes, Max: maxSubject})
}

// refused reports whether SNS takes exception to what is in a message.
func refused(err error) bool {
	_, parameter := errors.AsType[*types.InvalidParameterException](err)
	_, value := errors.AsType[*types.InvalidParameterValueException](err)
	return parameter || value
}
