package dynamo

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"pgregory.net/rapid"

	"shirase/internal/incident"
)

func TestBodiesComeBack(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		want := strings.Repeat(rapid.StringN(0, 50, 200).Draw(t, "text"), rapid.IntRange(1, 400).Draw(t, "times"))
		it, err := record(key{"P", "S"}, want)
		if err != nil {
			t.Fatal(err)
		}
		got, ok, err := decode[string](it)
		if err != nil || !ok || got != want {
			t.Errorf("decode(record(%d bytes)) = %d bytes, %t, %v, want the same", len(want), len(got), ok, err)
		}
	})
}

func TestLargeBodiesAreCompressed(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		body string
		most int
	}{
		{"small", strings.Repeat("a", squeezeFrom-3), squeezeFrom},
		{"large", strings.Repeat("<p>続けてお知らせします。</p>", 2000), 1000},
	} {
		a, err := encode(c.body)
		if err != nil {
			t.Fatal(err)
		}
		size := 0
		switch v := a.(type) {
		case *types.AttributeValueMemberS:
			size = len(v.Value)
		case *types.AttributeValueMemberB:
			size = len(v.Value)
		}
		if size == 0 || size > c.most {
			t.Errorf("encode(%s, %d bytes) is %d bytes, want at most %d", c.name, len(c.body), size, c.most)
		}
	}
}

// noise answers text that does not become smaller than three quarters of itself.
func noise(n int) string {
	var b []byte
	sum := sha256.Sum256(nil)
	for len(b) < n {
		sum = sha256.Sum256(sum[:])
		b = append(b, sum[:]...)
	}
	return base64.StdEncoding.EncodeToString(b)[:n]
}

func TestBodiesThatAreTooLarge(t *testing.T) {
	t.Parallel()
	if _, err := record(keyDraft("d"), noise(500_000)); err != nil {
		t.Errorf("record(500,000 bytes that shrink to 375,000) = %v, want none", err)
	}
	_, err := record(keyDraft("d"), noise(600_000))
	if !errors.Is(err, incident.ErrInvalid) || !strings.Contains(err.Error(), "R record") {
		t.Errorf("record(600,000 bytes that shrink to 450,000) = %v, want ErrInvalid that names the kind", err)
	}
}

func TestItemsThatCannotBeRead(t *testing.T) {
	t.Parallel()
	whole, err := compressed([]byte(`"text"`))
	if err != nil {
		t.Fatal(err)
	}
	z := whole.(*types.AttributeValueMemberB).Value
	for name, body := range map[string]types.AttributeValue{
		"no JSON":        text("{" + private),
		"another type":   text(`{"a":"` + private + `"}`),
		"not compressed": &types.AttributeValueMemberB{Value: []byte(private)},
		"cut off":        &types.AttributeValueMemberB{Value: z[:len(z)-6]},
		"a number":       number(1),
		"none":           nil,
	} {
		it := keyMeta(private).item()
		it[attrBody] = body
		_, ok, err := decode[string](it)
		if err == nil || ok || !strings.Contains(err.Error(), "META record") || strings.Contains(err.Error(), private) {
			t.Errorf("decode(%s) = %t, %v, want an error that names the kind and no more", name, ok, err)
		}
	}
	if _, ok, err := decode[string](nil); ok || err != nil {
		t.Errorf("decode(nil) = %t, %v, want false and none", ok, err)
	}
}

func TestNothingLivesTooShort(t *testing.T) {
	t.Parallel()
	at := time.Unix(1_800_000_000, 1)
	for at, want := range map[time.Time]string{at: "1800000001", at.Add(-1): "1800000000"} {
		if got := seconds(at).(*types.AttributeValueMemberN).Value; got != want {
			t.Errorf("seconds(%s) = %s, want %s", at.Format(time.RFC3339Nano), got, want)
		}
	}
}
