package dynamo

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"shirase/internal/incident"
)

// A condition is what must hold for a write. The zero condition always does.
// Names of attributes stand behind #, since many are reserved words
// (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ReservedWords.html).
type condition struct {
	expr   string
	names  map[string]string
	values item
}

// absent holds where there is no item yet.
func absent() condition { return condition{expr: "attribute_not_exists(pk)"} }

// present holds where there is an item.
func present() condition { return condition{expr: "attribute_exists(pk)"} }

// equals holds where an item has the attribute with this value.
func equals(name string, v types.AttributeValue) condition {
	return condition{"#c = :c", map[string]string{"#c": name}, item{":c": v}}
}

// absentOrUntil holds where there is no item, or its attribute is at most v.
func absentOrUntil(name string, v types.AttributeValue) condition {
	return condition{"attribute_not_exists(pk) OR #c <= :c", map[string]string{"#c": name}, item{":c": v}}
}

// write is one action of a transaction: it puts item, or sets the attributes of
// fill that are not there yet, or deletes.
type write struct {
	table string
	key   key
	item  item
	fill  item
	cond  condition
}

// writes gathers a transaction. DynamoDB refuses two actions on one item, so
// the last write of an item stands, under the condition that any of them had.
type writes struct {
	order []*write
	err   error
}

// put writes a whole item.
func (w *writes) put(table string, it item, c condition) {
	w.add(write{table: table, key: keyOf(it), item: it, cond: c})
}

// fill writes an item where there is none, and leaves one that is there as it is.
func (w *writes) fill(table string, it item) {
	w.add(write{table: table, key: keyOf(it), fill: it})
}

// remove deletes an item, whether it is there or not.
func (w *writes) remove(table string, k key, c condition) {
	w.add(write{table: table, key: k, cond: c})
}

func (w *writes) add(n write) {
	at := slices.IndexFunc(w.order, func(o *write) bool { return o.table == n.table && o.key == n.key })
	if at < 0 {
		w.order = append(w.order, &n)
		return
	}
	was := w.order[at].cond
	switch {
	case n.cond.expr == "":
		n.cond = was
	case was.expr != "" && !reflect.DeepEqual(was, n.cond):
		w.err = fmt.Errorf("two conditions on one %s: %w", n.key.kind(), incident.ErrInvalid)
	}
	w.order[at] = &n
}

// record puts a record without more attributes.
func (w *writes) record(table string, k key, v any, c condition) {
	if it := w.make(k, v); it != nil {
		w.put(table, it, c)
	}
}

// make makes the item of a record and keeps the error; nil where there is one.
func (w *writes) make(k key, v any) item {
	it, err := record(k, v)
	if err != nil && w.err == nil {
		w.err = err
	}
	return it
}

// actions answers the writes as the SDK takes them, or the first error.
func (w *writes) actions() ([]types.TransactWriteItem, error) {
	if w.err != nil {
		return nil, w.err
	}
	out := make([]types.TransactWriteItem, len(w.order))
	for n, o := range w.order {
		out[n] = o.action()
	}
	return out, nil
}

func (o *write) action() types.TransactWriteItem {
	table, expr := aws.String(o.table), o.cond.of()
	switch {
	case o.item != nil:
		return types.TransactWriteItem{Put: &types.Put{
			TableName: table, Item: o.item,
			ConditionExpression: expr, ExpressionAttributeNames: o.cond.names, ExpressionAttributeValues: o.cond.values,
		}}
	case o.fill != nil:
		return types.TransactWriteItem{Update: o.filling()}
	}
	return types.TransactWriteItem{Delete: &types.Delete{
		TableName: table, Key: o.key.item(),
		ConditionExpression: expr, ExpressionAttributeNames: o.cond.names, ExpressionAttributeValues: o.cond.values,
	}}
}

// filling sets each attribute to what it is, or else to ours.
func (o *write) filling() *types.Update {
	u := &types.Update{
		TableName: aws.String(o.table), Key: o.key.item(), ConditionExpression: o.cond.of(),
		ExpressionAttributeNames: maps.Clone(o.cond.names), ExpressionAttributeValues: maps.Clone(o.cond.values),
	}
	if u.ExpressionAttributeNames == nil {
		u.ExpressionAttributeNames = map[string]string{}
	}
	if u.ExpressionAttributeValues == nil {
		u.ExpressionAttributeValues = item{}
	}
	var sets []string
	for _, name := range slices.Sorted(maps.Keys(o.fill)) {
		if name == attrPK || name == attrSK {
			continue
		}
		sets = append(sets, fmt.Sprintf("#%s = if_not_exists(#%s, :%s)", name, name, name))
		u.ExpressionAttributeNames["#"+name] = name
		u.ExpressionAttributeValues[":"+name] = o.fill[name]
	}
	u.UpdateExpression = aws.String("SET " + strings.Join(sets, ", "))
	return u
}

// of answers the expression; nil for none.
func (c condition) of() *string {
	if c.expr == "" {
		return nil
	}
	return aws.String(c.expr)
}
