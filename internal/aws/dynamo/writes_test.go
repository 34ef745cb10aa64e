package dynamo

import (
	"errors"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/go-cmp/cmp"

	"shirase/internal/incident"
)

// shape tells what a transaction does, in short.
func shape(ws []types.TransactWriteItem) (out []string) {
	for _, w := range ws {
		var s string
		switch {
		case w.Put != nil:
			s = "put " + keyOf(w.Put.Item).sk + " " + textOf(w.Put.Item, "v") + " if " + aws.ToString(w.Put.ConditionExpression)
		case w.Update != nil:
			s = aws.ToString(w.Update.UpdateExpression) + " " + keyOf(w.Update.Key).sk
		case w.Delete != nil:
			s = "delete " + keyOf(w.Delete.Key).sk + " if " + aws.ToString(w.Delete.ConditionExpression)
		}
		out = append(out, s)
	}
	return out
}

func valued(sk, v string) item {
	it := key{"P", sk}.item()
	it["v"] = text(v)
	return it
}

// DynamoDB refuses a transaction with two actions on one item.
func TestWritesOfOneItemBecomeOne(t *testing.T) {
	t.Parallel()
	a := key{"P", "a"}
	for _, c := range []struct {
		name string
		do   func(w *writes)
		want []string
	}{
		{"in order", func(w *writes) {
			w.put("tab", valued("b", "1"), condition{})
			w.remove("tab", a, condition{})
		}, []string{"put b 1 if ", "delete a if "}},
		{"the last stands", func(w *writes) {
			w.remove("tab", a, condition{})
			w.put("tab", valued("a", "1"), condition{})
			w.put("tab", valued("a", "2"), condition{})
		}, []string{"put a 2 if "}},
		{"under the earlier condition", func(w *writes) {
			w.remove("tab", a, present())
			w.put("tab", valued("a", "1"), condition{})
		}, []string{"put a 1 if attribute_exists(pk)"}},
		{"under the later condition", func(w *writes) {
			w.remove("tab", a, condition{})
			w.remove("tab", a, present())
		}, []string{"delete a if attribute_exists(pk)"}},
		{"under the same condition twice", func(w *writes) {
			w.remove("tab", a, present())
			w.remove("tab", a, present())
		}, []string{"delete a if attribute_exists(pk)"}},
		{"of two tables", func(w *writes) {
			w.remove("tab", a, condition{})
			w.remove("other", a, present())
		}, []string{"delete a if ", "delete a if attribute_exists(pk)"}},
		{"filled in", func(w *writes) {
			w.fill("tab", valued("a", "1"))
		}, []string{"SET #v = if_not_exists(#v, :v) a"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var w writes
			c.do(&w)
			ws, err := w.actions()
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(c.want, shape(ws)); d != "" {
				t.Errorf("actions() differ (-want +got):\n%s", d)
			}
		})
	}
}

func TestTwoConditionsOnOneItem(t *testing.T) {
	t.Parallel()
	var w writes
	w.put("tab", valued("a", "1"), absent())
	w.remove("tab", key{"P", "a"}, present())
	if _, err := w.actions(); !errors.Is(err, incident.ErrInvalid) {
		t.Errorf("actions() = %v, want ErrInvalid", err)
	}
}
