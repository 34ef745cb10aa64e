package dynamo

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"shirase/internal/incident"
)

// squeezeFrom is the size of a body, in bytes, from which it is compressed.
// Writes are paid, and a partition is held to 1,000 of them a second, by the
// kilobyte: a draft with all its texts is 57 KB, or 4 KB.
const squeezeFrom = 2 << 10

// maxItem is the most bytes that an item of ours may have. DynamoDB takes
// 400 KB with the names and keys
// (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html).
const maxItem = 400<<10 - 8<<10

// item is an item as the SDK knows it.
type item = map[string]types.AttributeValue

// record makes the item of a key with v as its body, so that more attributes can
// be set. A body that is too large is [incident.ErrInvalid].
func record(k key, v any) (item, error) {
	body, err := encode(v)
	if err != nil {
		return nil, fmt.Errorf("%s record: %w", k.kind(), err)
	}
	return item{attrPK: text(k.pk), attrSK: text(k.sk), attrBody: body}, nil
}

// encode writes v as the body of an item.
func encode(v any) (types.AttributeValue, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("encode: %w", err)
	}
	return squeeze(b)
}

// squeeze makes an attribute of text, compressed where it is large.
func squeeze(b []byte) (types.AttributeValue, error) {
	if len(b) < squeezeFrom {
		return text(string(b)), nil
	}
	return compressed(b)
}

// compressed makes an attribute of bytes, compressed in any case.
func compressed(b []byte) (types.AttributeValue, error) {
	z, err := deflate(b)
	if err != nil {
		return nil, err
	}
	if len(z) > maxItem {
		return nil, fmt.Errorf("%d bytes are %d compressed, and an item may have %d: %w", len(b), len(z), maxItem, incident.ErrInvalid)
	}
	return &types.AttributeValueMemberB{Value: z}, nil
}

// unsqueeze reads what squeeze made.
func unsqueeze(a types.AttributeValue) ([]byte, error) {
	switch v := a.(type) {
	case *types.AttributeValueMemberS:
		return []byte(v.Value), nil
	case *types.AttributeValueMemberB:
		return inflate(v.Value)
	}
	return nil, errors.New("no body")
}

// decode reads the body of an item; ok is false where the item is nil.
func decode[T any](it item) (v T, ok bool, err error) {
	if it == nil {
		return v, false, nil
	}
	b, err := unsqueeze(it[attrBody])
	if err == nil {
		err = json.Unmarshal(b, &v)
	}
	if err != nil {
		return v, false, fmt.Errorf("decode %s record: %w", keyOf(it).kind(), err)
	}
	return v, true, nil
}

// decodeAll reads the bodies of items, in order, and passes over those that are nil.
func decodeAll[T any](its []item) ([]T, error) {
	vs := make([]T, 0, len(its))
	for _, it := range its {
		v, ok, err := decode[T](it)
		if err != nil {
			return nil, err
		}
		if ok {
			vs = append(vs, v)
		}
	}
	return vs, nil
}

// writers are kept for the next body, since each is a megabyte.
var writers = sync.Pool{New: func() any { return gzip.NewWriter(nil) }}

func deflate(b []byte) ([]byte, error) {
	var out bytes.Buffer
	w := writers.Get().(*gzip.Writer)
	defer writers.Put(w)
	w.Reset(&out)
	if _, err := w.Write(b); err != nil {
		return nil, fmt.Errorf("compress: %w", err)
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("compress: %w", err)
	}
	return out.Bytes(), nil
}

func inflate(z []byte) ([]byte, error) {
	r, err := gzip.NewReader(bytes.NewReader(z))
	if err != nil {
		return nil, fmt.Errorf("decompress: %w", err)
	}
	b, err := io.ReadAll(r)
	if err != nil {
		return nil, fmt.Errorf("decompress: %w", err)
	}
	return b, nil
}

func text(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }

func number(n int64) types.AttributeValue {
	return &types.AttributeValueMemberN{Value: strconv.FormatInt(n, 10)}
}

// seconds is the time to live of what is kept until t. It is rounded up, so
// that nothing goes early.
func seconds(t time.Time) types.AttributeValue { return number(t.Add(time.Second - 1).Unix()) }

// textOf answers a text attribute; empty where there is none.
func textOf(it item, name string) string {
	if s, ok := it[name].(*types.AttributeValueMemberS); ok {
		return s.Value
	}
	return ""
}

// keyOf answers the key of an item.
func keyOf(it item) key { return key{textOf(it, attrPK), textOf(it, attrSK)} }

// kind names the kind of record for errors, without what it is about.
func (k key) kind() string {
	kind, _, more := strings.Cut(strings.TrimPrefix(k.pk, incident.DrillPrefix), "#")
	if kind != "I" || !more {
		return kind
	}
	kind, _, _ = strings.Cut(k.sk, "#")
	return kind
}
