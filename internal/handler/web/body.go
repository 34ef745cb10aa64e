package web

import (
	"encoding/json"

	"shirase/internal/incident"
	"shirase/internal/message"
)

// Body answers the title and the running text of stored contents, without the
// link, the list of earlier updates and the sender's lines that stand around it
// in a mail. They are read from the webhook's body, which keeps the two apart;
// where there is none, the whole mail serves.
func Body(contents map[incident.Family]message.Content, l incident.Locale) (title, text string) {
	var event struct {
		Data struct {
			Title string `json:"title"`
			Text  string `json:"text"`
		} `json:"data"`
	}
	if err := json.Unmarshal([]byte(contents[incident.FamilyWebhook].Text), &event); err == nil && event.Data.Text != "" {
		return event.Data.Title, event.Data.Text
	}
	c := message.Resolve(contents[incident.FamilyEmail], incident.FamilyEmail, l, message.Reader{}, nil)
	return c.Subject, c.Text
}
