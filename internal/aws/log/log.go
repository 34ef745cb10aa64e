package log

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"reflect"
	"strings"

	"github.com/aws/aws-lambda-go/lambdacontext"

	"shirase/internal/aws/metric"
)

// New makes the logger of a function. Lambda collects what is written to standard
// output. Lines below the level are dropped, but for those that carry metrics.
//
// https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-logformat.html
func New(w io.Writer, level slog.Leveler) *slog.Logger {
	lines := slog.NewJSONHandler(w, &slog.HandlerOptions{Level: level, ReplaceAttr: lambdacontext.ReplaceAttr})
	return slog.New(plain{metric.New(invocation{lines})})
}

// invocation adds what a line belongs to.
type invocation struct{ slog.Handler }

// Handle adds the id of the request and of the trace. The runtime hands on the
// trace under a plain text.
func (h invocation) Handle(ctx context.Context, r slog.Record) error {
	r = r.Clone()
	if lc, ok := lambdacontext.FromContext(ctx); ok {
		r.AddAttrs(slog.String("requestId", lc.AwsRequestID)) //nolint:sloglint // as Lambda calls it
	}
	if header, ok := ctx.Value("x-amzn-trace-id").(string); ok {
		if id := root(header); id != "" {
			r.AddAttrs(slog.String("trace_id", id))
		}
	}
	return h.Handler.Handle(ctx, r)
}

// WithAttrs implements slog.Handler.
func (h invocation) WithAttrs(attrs []slog.Attr) slog.Handler {
	return invocation{h.Handler.WithAttrs(attrs)}
}

// WithGroup implements slog.Handler.
func (h invocation) WithGroup(name string) slog.Handler {
	return invocation{h.Handler.WithGroup(name)}
}

// root answers the id of a trace out of its header, "Root=1-…;Parent=…;Sampled=0".
//
// https://docs.aws.amazon.com/xray/latest/devguide/xray-concepts.html#xray-concepts-tracingheader
func root(header string) string {
	for part := range strings.SplitSeq(header, ";") {
		if id, ok := strings.CutPrefix(part, "Root="); ok && len(id) <= 64 {
			return id
		}
	}
	return ""
}

// plain lets only plain values through.
type plain struct{ next slog.Handler }

// Enabled implements slog.Handler.
func (h plain) Enabled(ctx context.Context, l slog.Level) bool { return h.next.Enabled(ctx, l) }

// Handle makes the attributes of a line plain.
func (h plain) Handle(ctx context.Context, r slog.Record) error {
	out := slog.NewRecord(r.Time, r.Level, r.Message, r.PC)
	r.Attrs(func(a slog.Attr) bool {
		out.AddAttrs(bare(a))
		return true
	})
	return h.next.Handle(ctx, out)
}

// WithAttrs implements slog.Handler.
func (h plain) WithAttrs(attrs []slog.Attr) slog.Handler {
	return plain{h.next.WithAttrs(all(attrs))}
}

// WithGroup implements slog.Handler.
func (h plain) WithGroup(name string) slog.Handler { return plain{h.next.WithGroup(name)} }

func all(attrs []slog.Attr) []slog.Attr {
	out := make([]slog.Attr, len(attrs))
	for n, a := range attrs {
		out[n] = bare(a)
	}
	return out
}

// bare makes one attribute plain.
func bare(a slog.Attr) slog.Attr {
	v := a.Value.Resolve()
	switch v.Kind() {
	case slog.KindGroup:
		v = slog.GroupValue(all(v.Group())...)
	case slog.KindAny:
		v = text(v.Any())
	default:
	}
	return slog.Attr{Key: a.Key, Value: v}
}

// text answers what may be written of a value that slog does not know: of an error
// and of a named text or number what it says of itself, of anything else its type.
func text(v any) slog.Value {
	r := reflect.ValueOf(v)
	if v == nil || r.Kind() == reflect.Pointer && r.IsNil() {
		return slog.AnyValue(nil)
	}
	if err, ok := v.(error); ok {
		return slog.StringValue(err.Error())
	}
	switch kind := r.Kind(); {
	case kind == reflect.String || kind >= reflect.Bool && kind <= reflect.Float64:
		return slog.StringValue(fmt.Sprint(v))
	default:
		return slog.StringValue("[" + r.Type().String() + "]")
	}
}
