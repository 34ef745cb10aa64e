package dynamo

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"shirase/internal/incident"
	records "shirase/internal/record"
	"shirase/internal/subscribe"
)

// Commit implements [subscribe.Store], in one transaction over two tables. A
// change whose answer was lost may have been made; the second try is then
// [incident.ErrConflict], and whoever reads again sees it done. Deleting may meet
// that error also where somebody else changed another subscription of the same
// recipient.
func (sb *Subscriptions) Commit(ctx context.Context, c subscribe.Change) error {
	own, err := sb.own(ctx, c)
	if err != nil {
		return err
	}
	var w writes
	sb.listed(&w, c)
	for n, e := range c.Consent {
		w.record(sb.tables.Subscribers, keyConsent(e, c.Record.Version+1, n), records.NewConsent(e), absent())
	}
	for n := range c.Work {
		sb.work(&w, c.Work[len(c.Work)-1-n]) // of two alike the last one written stands, so the first
	}
	if c.Memo != nil {
		w.memoItem(sb.tables.Incidents, *c.Memo)
	}
	actions, err := w.actions()
	if err != nil {
		return fmt.Errorf("change subscription: %w", err)
	}
	if err := sb.db.transact(ctx, append(actions, own)); err != nil {
		return fmt.Errorf("change subscription: %w", err)
	}
	return nil
}

// own is what a change does to the recipient's own item, on the condition that
// the subscription still is at the change's version.
func (sb *Subscriptions) own(ctx context.Context, c subscribe.Change) (types.TransactWriteItem, error) {
	if c.Delete {
		return sb.deletion(ctx, c.Record)
	}
	s := records.NewSubscription(c.Record)
	s.Version++
	body, err := encode(s)
	if err != nil {
		return types.TransactWriteItem{}, fmt.Errorf("subscription: %w", err)
	}
	u := sb.update(c.Record, "SET #s = :s, #v = :next ADD #rev :one")
	u.ExpressionAttributeNames["#s"] = attrSubscription + string(s.Audience)
	u.ExpressionAttributeValues[":s"], u.ExpressionAttributeValues[":next"] = body, number(int64(s.Version))
	return types.TransactWriteItem{Update: u}, nil
}

// update is one of the recipient's item at the version of a record.
func (sb *Subscriptions) update(r subscribe.Record, expr string) *types.Update {
	k := r.Key()
	cond, names, values := atVersion(r)
	names["#rev"], values[":one"] = attrRev, number(1)
	return &types.Update{
		TableName: aws.String(sb.tables.Subscribers), Key: keyRecipient(k.Channel, k.ID).item(),
		UpdateExpression: aws.String(expr), ConditionExpression: cond,
		ExpressionAttributeNames: names, ExpressionAttributeValues: values,
	}
}

// atVersion holds while a subscription is at the version of a record.
func atVersion(r subscribe.Record) (cond *string, names map[string]string, values item) {
	names = map[string]string{"#v": attrVersionOf + string(r.Subscriber.Audience)}
	if r.Version == 0 {
		return aws.String("attribute_not_exists(#v)"), names, item{}
	}
	return aws.String("#v = :v"), names, item{":v": number(int64(r.Version))}
}

// deletion takes a subscription out of the recipient's item, and the whole item
// where nothing else would be left in it: no other subscription and no
// suppression, which outlives them all.
func (sb *Subscriptions) deletion(ctx context.Context, r subscribe.Record) (none types.TransactWriteItem, err error) {
	k := r.Key()
	at := keyRecipient(k.Channel, k.ID)
	cond, names, values := atVersion(r)
	if r.Version == 0 {
		return types.TransactWriteItem{ConditionCheck: &types.ConditionCheck{
			TableName: aws.String(sb.tables.Subscribers), Key: at.item(), ConditionExpression: cond, ExpressionAttributeNames: names,
		}}, nil
	}
	it, err := sb.db.get(ctx, sb.tables.Subscribers, at)
	if err != nil {
		return none, err
	}
	ss, err := subscribers(it)
	if err != nil {
		return none, err
	}
	if len(ss) > 1 || it[attrSuppression] != nil {
		u := sb.update(r, "REMOVE #s, #v ADD #rev :one")
		u.ExpressionAttributeNames["#s"] = attrSubscription + string(k.Audience)
		return types.TransactWriteItem{Update: u}, nil
	}
	rev, ok := it[attrRev]
	if !ok {
		return none, fmt.Errorf("delete subscription: there is none: %w", incident.ErrConflict)
	}
	names["#rev"], values[":rev"] = attrRev, rev
	return types.TransactWriteItem{Delete: &types.Delete{
		TableName: aws.String(sb.tables.Subscribers), Key: at.item(), ConditionExpression: aws.String(*cond + " AND #rev = :rev"),
		ExpressionAttributeNames: names, ExpressionAttributeValues: values,
	}}, nil
}

// listed puts the record into the list of its audience, or takes it out.
func (sb *Subscriptions) listed(w *writes, c subscribe.Change) {
	at := keyListed(c.Record.Key(), sb.shards)
	if c.Delete || c.Record.Subscriber.State != incident.Active {
		w.remove(sb.tables.Subscribers, at, condition{})
		return
	}
	s := records.NewSubscription(c.Record)
	s.Version++
	w.record(sb.tables.Subscribers, at, s, condition{})
}
