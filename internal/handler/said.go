package handler

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"shirase/internal/incident"
)

// The forms of an alarm, as in [incident.Signal].
const (
	formMetric      = "metric"
	formMath        = "math"
	formComposite   = "composite"
	formContributor = "contributor"
	formPromQL      = "promql"
)

// The paths an alarm comes by, as in [incident.Signal]. The shape tells the
// path, whatever it was wrapped in.
const (
	pathEventBridge = "eventbridge"
	pathSNS         = "sns"
	pathLambda      = "lambda"
)

// said is what all shapes of an alarm have in common, not yet checked.
type said struct {
	path, form        string
	alarm, arn        string
	account, region   string // as the envelope has them; empty where it has none
	contributor       string
	attributes        labels
	state, previous   string
	reason            string
	at                string
	suppressed, muted bool
	wasSuppressed     bool
	description       string
	tags              labels
	children          []string
}

// Why something cannot be read. The texts are shown to operators and echo
// nothing of what arrived.
var (
	errJSON     = errors.New("broken JSON")
	errType     = errors.New("a value of the wrong type")
	errShape    = errors.New("no shape of an alarm that is known here")
	errTooLong  = errors.New("longer than 256 KiB")
	errNested   = errors.New("wrapped too often")
	errSource   = errors.New("its source is not aws.cloudwatch")
	errName     = errors.New("its alarm has no name, or one that CloudWatch would not allow")
	errARN      = errors.New("its alarm has no ARN of a CloudWatch alarm")
	errTwoNames = errors.New("its alarm's name and ARN do not agree")
	errTwoHomes = errors.New("its alarm's ARN is of another account or region than its envelope")
	errAccount  = errors.New("its account is not one that alarms are taken from")
	errState    = errors.New("its state is none of OK, ALARM and INSUFFICIENT_DATA")
	errTime     = errors.New("its state has no time that can be read")
	errSeries   = errors.New("its contributor has no id, or one that CloudWatch would not allow")
	errRefused  = errors.New("read, but refused as it is")
	errSign     = errors.New("an SNS subscription to confirm, which is never followed; confirm it by hand if it is yours")
)

// signal checks and bounds what was said.
//
// The id depends on what was said and not on the path: the same state change by
// EventBridge, SNS and a direct action has the same id, fingerprint and time.
// One that CloudWatch kept quiet about has another id than the action it takes
// later for the same state, once a mute window is over.
func (w said) signal(received time.Time) (incident.Signal, error) {
	region, account, err := w.home()
	if err != nil {
		return incident.Signal{}, err
	}
	state, ok := states[w.state]
	if !ok {
		return incident.Signal{}, errState
	}
	at, err := parseTime(w.at)
	if err != nil {
		return incident.Signal{}, err
	}
	if w.form == formContributor && !exact(w.contributor, maxContributor) {
		return incident.Signal{}, errSeries
	}
	s := incident.Signal{
		Alarm: w.alarm, ARN: w.arn, Account: account, Region: region, Contributor: w.contributor,
		Form: w.form, Path: w.path,
		State: state, Previous: states[w.previous], Reason: clean(w.reason, maxReason),
		At: at, ReceivedAt: received.UTC().Truncate(time.Millisecond),
		Suppressed: w.suppressed, Muted: w.muted, WasSuppressed: w.wasSuppressed,
		Description: clean(w.description, maxDescription),
		Tags:        w.tags.bounded(), Children: alarmNames(w.children),
	}
	if s.Reason == "" && w.form == formContributor {
		// PromQL alarms give no reason; which series it is, is all there is to say.
		s.Reason = clean(w.attributes.String(), maxReason)
	}
	if w.path != pathEventBridge && s.State == incident.SignalAlarm && s.Previous == incident.SignalAlarm {
		// Actions are taken when a state changes, and once more when suppression
		// or a mute window ends while it lasts. SNS does not say which.
		s.WasSuppressed = true
	}
	s.ID = signalID(s)
	return s, nil
}

// home checks that everything which says where the alarm lives says the same.
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoncloudwatch.html
func (w said) home() (region, account string, err error) {
	if !exact(w.alarm, maxName) {
		return "", "", errName
	}
	p := strings.SplitN(w.arn, ":", 7)
	if !exact(w.arn, maxARN) || len(p) != 7 || p[0] != "arn" || p[2] != "cloudwatch" || p[5] != "alarm" ||
		!isRegion(p[3]) || !isAccount(p[4]) {
		return "", "", errARN
	}
	region, account = p[3], p[4]
	if p[6] != w.alarm {
		return "", "", errTwoNames
	}
	if w.region != "" && w.region != region || w.account != "" && w.account != account {
		return "", "", errTwoHomes
	}
	return region, account, nil
}

func isRegion(s string) bool {
	return len(s) >= 3 && len(s) <= 32 && !strings.ContainsFunc(s, func(r rune) bool {
		return r != '-' && (r < 'a' || r > 'z') && (r < '0' || r > '9')
	})
}

func isAccount(s string) bool {
	return len(s) == 12 && !strings.ContainsFunc(s, func(r rune) bool { return r < '0' || r > '9' })
}

var states = map[string]incident.SignalState{
	"ALARM":             incident.SignalAlarm,
	"OK":                incident.SignalOK,
	"INSUFFICIENT_DATA": incident.SignalInsufficient,
}

// timeLayouts are the ways in which CloudWatch writes a time; fractions of a
// second are read by both.
var timeLayouts = []string{"2006-01-02T15:04:05-0700", time.RFC3339}

// parseTime answers a state's time in UTC, to the millisecond, which is as
// exact as every path has it. Years no alarm can be of are refused, because the
// newest time of an alarm decides what is news.
func parseTime(s string) (time.Time, error) {
	if len(s) > 40 {
		return time.Time{}, errTime
	}
	for _, l := range timeLayouts {
		if t, err := time.Parse(l, s); err == nil && t.UTC().Year() >= 2000 && t.UTC().Year() < 2100 {
			return t.UTC().Truncate(time.Millisecond), nil
		}
	}
	return time.Time{}, errTime
}

func signalID(s incident.Signal) string {
	quiet := ""
	if s.Suppressed || s.Muted {
		quiet = "quiet"
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "signal\x00%s\x00%s\x00%d\x00%s", s.Fingerprint(), s.State, s.At.UnixMilli(), quiet))
	return hex.EncodeToString(sum[:16])
}

// alarmNames keeps the names that can be kept as they are, each once.
func alarmNames(in []string) []string {
	var out []string
	for _, n := range in {
		if len(out) < maxChildren && exact(n, maxARN) && !slices.Contains(out, n) {
			out = append(out, n)
		}
	}
	return out
}
