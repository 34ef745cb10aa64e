package twin

import (
	"crypto/x509"
	"encoding/json"
	"net/http"
)

// Webhook is the endpoint of somebody who asked to be called. It answers
// challenges, and 204 to everything else.
type Webhook struct {
	server
}

// NewWebhook starts an endpoint without TLS.
func NewWebhook() *Webhook {
	h := &Webhook{}
	h.start(answerHook)
	h.http.Start()
	return h
}

// NewWebhookTLS starts an endpoint with TLS; see [Webhook.Roots].
func NewWebhookTLS() *Webhook {
	h := &Webhook{}
	h.start(answerHook)
	h.http.StartTLS()
	return h
}

// Roots answers the authority behind the endpoint's certificate, which is for
// the names example.com and 127.0.0.1.
func (h *Webhook) Roots() *x509.CertPool {
	p := x509.NewCertPool()
	p.AddCert(h.http.Certificate())
	return p
}

func answerHook(w http.ResponseWriter, r Request) {
	var event struct {
		Data struct {
			Challenge string `json:"challenge"`
		} `json:"data"`
	}
	if json.Unmarshal(r.Body, &event) == nil && event.Data.Challenge != "" {
		writeJSON(w, http.StatusOK, map[string]string{"challenge": event.Data.Challenge})
		return
	}
	w.WriteHeader(http.StatusNoContent)
}
