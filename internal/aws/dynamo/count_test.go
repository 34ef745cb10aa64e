package dynamo

import (
	"net/http"
	"testing"

	"shirase/internal/incident"
)

// TestCountGoesOnWhereAPageEnds answers pages of a megabyte, which the engines
// never reach in a test.
func TestCountGoesOnWhereAPageEnds(t *testing.T) {
	t.Parallel()
	api, s := stubbed(t, func(n int, _ stubCall) (int, object) {
		if n == 0 {
			return http.StatusOK, object{"Count": 4000, "ScannedCount": 4000, "LastEvaluatedKey": row(key{"S#customers#0", "email#r1"}, "")}
		}
		return http.StatusOK, object{"Count": 7, "ScannedCount": 7}
	})
	b, err := NewBook(api, Tables{Subscribers: "s"}, 2)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := b.Count(t.Context(), incident.Customers, incident.Email); n != 4014 || err != nil {
		t.Errorf("Count = %d, %v, want 4014", n, err)
	}
	calls := s.seen()
	if len(calls) != 3 {
		t.Fatalf("Count made %d calls, want 3", len(calls))
	}
	for n, c := range calls {
		if c.op != "Query" || c.input["Select"] != "COUNT" || (c.input["ExclusiveStartKey"] != nil) != (n == 1) {
			t.Errorf("call %d = %s %v, want a count that goes on where the page ended", n, c.op, c.input)
		}
	}
}
