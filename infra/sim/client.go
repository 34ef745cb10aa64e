package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"shirase/internal/incident"
)

// call is an HTTP request through API Gateway.
type call struct {
	function     string
	method, path string
	body         string
	form         bool
	// key makes it safe to repeat; requests without one are made once.
	key string
	// other tells that the key was used for another request.
	other bool
	// leaves is who ends a subscription by it.
	leaves recipient
}

// answered is what came back.
type answered struct {
	status   int
	body     []byte
	incident struct {
		ID      incident.ID `json:"id"`
		Version int         `json:"version"`
		Seq     int         `json:"seq"`
	}
}

// call makes a request of an operator.
func (d doing) call(method, path string, body any) call {
	c := call{function: "api", method: method, path: path, key: fmt.Sprintf("key-%d-%d", d.n, d.calls)}
	if body != nil {
		c.body = encode(body)
	}
	return c
}

// maxTries is how often a client tries a request that got no answer.
const maxTries = 12

// request sends a call until it gets an answer, as a careful client does.
func (w *world) request(c call, then func(answered)) { w.try(c, then, 1) }

func (w *world) try(c call, then func(answered), n int) {
	path, query, _ := strings.Cut(c.path, "?")
	kind := "application/json"
	if c.form {
		kind = "application/x-www-form-urlencoded"
	}
	event := events.APIGatewayV2HTTPRequest{
		Version: "2.0", RawPath: path, RawQueryString: query, Body: c.body,
		Headers: map[string]string{"content-type": kind, "authorization": "Bearer " + adminKey, "host": "status.minato.test"},
	}
	if c.key != "" && !c.form {
		event.Headers["idempotency-key"] = c.key
	}
	event.RequestContext.HTTP.Method, event.RequestContext.HTTP.SourceIP = c.method, "192.0.2.1"
	payload, err := json.Marshal(event)
	if err != nil {
		panic(err)
	}
	w.invoke(c.function, payload, func(out any, err error, died bool) {
		r, _ := out.(events.APIGatewayV2HTTPResponse)
		if !died && err == nil { // whether or not the client hears it
			w.checkAnswer(c, readAnswer(c, r))
		}
		lost := died || err != nil || r.StatusCode >= http.StatusInternalServerError || w.chance(boundaryOf[c.function], late, "answer")
		if !lost {
			w.answer(c, r, then)
			return
		}
		w.rare("client tries again")
		if c.key != "" && (n < maxTries || w.calm) {
			w.after(time.Duration(n)*3*time.Second, func() { w.try(c, then, n+1) })
		}
	})
}

// answer hands on what came back.
func (w *world) answer(c call, r events.APIGatewayV2HTTPResponse, then func(answered)) {
	w.tracef("answer %d to %s %s", r.StatusCode, c.method, c.path)
	if then != nil {
		then(readAnswer(c, r))
	}
}

func readAnswer(c call, r events.APIGatewayV2HTTPResponse) answered {
	a := answered{status: r.StatusCode, body: []byte(r.Body)}
	if c.function == "api" && !c.form {
		_ = json.Unmarshal(a.body, &a.incident) // a problem has other fields
	}
	return a
}

// finish ends what goes on, as people do in the end.
func (w *world) finish() {
	is, err := w.store.Live(bg)
	if err != nil {
		panic(err)
	}
	for _, i := range is {
		snap := i.Snapshot()
		stage := incident.Resolved
		if snap.Kind == incident.Maintenance {
			stage = incident.Completed
		}
		w.finished++
		w.request(call{
			function: "api", method: http.MethodPost, path: "/v1/incidents/" + string(snap.ID) + "/updates",
			body: encode(map[string]any{"stage": stage}), key: fmt.Sprintf("finish-%d", w.finished),
		}, nil)
	}
}
