//go:build contract

package functions_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"sync"
)

// A counter stands between functions and the engine, and counts what they ask
// of AWS, a function and an operation at a time. A call that the SDK repeats
// counts again.
type counter struct {
	mu    sync.Mutex
	tally map[string]tally // by function and operation
}

// A tally is how often AWS was called, and what of it is billed.
//
// Writes and reads of DynamoDB are request units: a write for each KB of an
// item, a strong read for each 4 KB, at least one each, also where a condition
// fails or there is no item. A batch counts each of its items, a transaction
// counts each twice, and a query what it reads in all
// (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html).
// What a write costs in indexes is not counted: no item of a recipient that a
// send writes stands in one. Weak reads, which cost half, stand apart.
//
// A send is a mail to one recipient (https://aws.amazon.com/ses/pricing/). A call
// of SQS is billed for each 64 KB (https://aws.amazon.com/sqs/pricing/).
type tally struct{ calls, writes, strong, weak, sends, sqs int }

func (a tally) plus(b tally) tally {
	return tally{a.calls + b.calls, a.writes + b.writes, a.strong + b.strong, a.weak + b.weak, a.sends + b.sends, a.sqs + b.sqs}
}

func (a tally) minus(b tally) tally {
	return tally{a.calls - b.calls, a.writes - b.writes, a.strong - b.strong, a.weak - b.weak, a.sends - b.sends, a.sqs - b.sqs}
}

// per tells the tally for one of n.
func (a tally) per(n int) string {
	of := func(v int) float64 { return float64(v) / float64(n) }
	return fmt.Sprintf("%.3f DynamoDB writes, %.3f strong reads, %.3f weak reads, %.3f sends, %.3f SQS",
		of(a.writes), of(a.strong), of(a.weak), of(a.sends), of(a.sqs))
}

// count has the calls counted of functions that are started after it.
func (s *stack) count(doors ...string) *counter {
	s.t.Helper()
	engine, err := url.Parse(*s.config.BaseEndpoint)
	s.must(err)
	c := &counter{tally: map[string]tally{}}
	for _, door := range doors {
		server := httptest.NewServer(&httputil.ReverseProxy{
			Rewrite:   func(r *httputil.ProxyRequest) { r.SetURL(engine) },
			Transport: counted{door, c},
		})
		s.t.Cleanup(server.Close)
		s.via[door] = server.URL
	}
	return c
}

// counted counts the calls of one function on their way.
type counted struct {
	door string
	to   *counter
}

// RoundTrip implements [http.RoundTripper].
func (c counted) RoundTrip(r *http.Request) (*http.Response, error) {
	asked, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	r.Body = io.NopCloser(bytes.NewReader(asked))
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close() //nolint:errcheck // it was only read
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, err
	}
	resp.Body = io.NopCloser(bytes.NewReader(answer))
	c.to.add(c.door, r, asked, answer)
	return resp, nil
}

// add counts a call.
func (c *counter) add(door string, r *http.Request, asked, answer []byte) {
	service, op, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	t := tally{calls: 1}
	switch {
	case strings.HasPrefix(service, "DynamoDB"):
		t = t.plus(dynamoUnits(op, asked, answer))
	case service == "AmazonSQS":
		t.sqs = units(len(asked), 64<<10)
	case service == "" && r.Method == http.MethodPost && r.URL.Path == "/v2/email/outbound-emails":
		service, op, t.sends = "SES", "SendEmail", 1
	case service == "":
		form, _ := url.ParseQuery(string(asked)) // what is no form has no action
		service, op = r.Method+" "+r.URL.Path, form.Get("Action")
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	name := door + " " + service + " " + op
	c.tally[name] = c.tally[name].plus(t)
}

// attributes are an item or a key as DynamoDB is sent it.
type attributes map[string]map[string]any

// dynamoUnits answers what a call of DynamoDB is billed. What it does not know
// counts as a thousand of each, so that it is seen.
func dynamoUnits(op string, asked, answer []byte) (t tally) {
	type keys struct {
		ConsistentRead bool
		Keys           []attributes
	}
	var in struct {
		ConsistentRead bool
		Item           attributes
		RequestItems   map[string]json.RawMessage
		TransactItems  []struct{ Put *struct{ Item attributes } }
	}
	var out struct {
		Item      attributes
		Items     []attributes
		Responses map[string][]attributes
	}
	if json.Unmarshal(asked, &in) != nil || json.Unmarshal(answer, &out) != nil {
		return tally{writes: 1000, strong: 1000}
	}
	read := func(n int, strong bool) {
		if strong {
			t.strong += n
		} else {
			t.weak += n
		}
	}
	switch op {
	case "PutItem":
		t.writes = units(in.Item.size(), 1<<10)
	case "UpdateItem", "DeleteItem":
		t.writes = 1
	case "TransactWriteItems":
		for _, w := range in.TransactItems {
			size := 1
			if w.Put != nil {
				size = w.Put.Item.size()
			}
			t.writes += 2 * units(size, 1<<10)
		}
	case "GetItem":
		read(units(out.Item.size(), 4<<10), in.ConsistentRead)
	case "Query":
		size := 0
		for _, it := range out.Items {
			size += it.size()
		}
		read(units(size, 4<<10), in.ConsistentRead)
	case "BatchGetItem":
		for table, raw := range in.RequestItems {
			var ask keys
			if json.Unmarshal(raw, &ask) != nil {
				return tally{writes: 1000, strong: 1000}
			}
			n := len(ask.Keys) - len(out.Responses[table]) // keys of no item
			for _, it := range out.Responses[table] {
				n += units(it.size(), 4<<10)
			}
			read(n, ask.ConsistentRead)
		}
	default:
		return tally{writes: 1000, strong: 1000}
	}
	return t
}

// units answers how many units of a size are begun, at least one.
func units(size, unit int) int { return max(1, (size+unit-1)/unit) }

// size is what DynamoDB takes an item to be: the names and the values. Numbers
// are taken at their digits, which is at least what they are
// (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html).
func (a attributes) size() (n int) {
	for name, typed := range a {
		n += len(name)
		for kind, v := range typed {
			text, ok := v.(string)
			switch {
			case !ok:
				whole, _ := json.Marshal(v) // it was JSON
				n += len(whole)
			case kind == "B":
				n += base64.StdEncoding.DecodedLen(len(text))
			default:
				n += len(text)
			}
		}
	}
	return n
}

// sum answers what was counted in all.
func (c *counter) sum() (all tally) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, t := range c.tally {
		all = all.plus(t)
	}
	return all
}

// String tells what was counted, a line for each function and operation.
func (c *counter) String() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	var out strings.Builder
	for _, name := range slices.Sorted(maps.Keys(c.tally)) {
		fmt.Fprintf(&out, "%s: %+v\n", name, c.tally[name])
	}
	return out.String()
}
