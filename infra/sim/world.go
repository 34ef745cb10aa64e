package main

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"shirase/internal/deliver"
	"shirase/internal/embedded"
	"shirase/internal/incident"
)

// bg is the context of what the simulation itself reads and sets up.
var bg = context.Background()

// world is one run: everything that the program stands on, decided by a seed.
type world struct {
	engine
	rig  *rig
	seed uint64
	// rng decides what people and monitors do, luck what goes wrong. They are
	// apart so that leaving a fault out changes nothing of the story.
	rng, luck *rand.Rand
	setup     setup
	odds      odds
	timeouts  map[string]time.Duration
	without   without
	point     *point
	calm      bool
	// story plays the small story instead of what the seed says.
	story bool

	store     *embedded.Store
	book      *embedded.Book
	rates     *embedded.Rates
	queues    map[string]*queue
	providers map[incident.Channel]*provider
	names     map[addressed]incident.RecipientID
	tasks     []*task
	ids       int
	mails     int
	parkings  []string

	cache
	checker
	tally
	// stories are what people and monitors do, by number.
	stories []*story
	acts    []act
	end     time.Time
	trace   func(string)
}

// tally is what a run counts.
type tally struct {
	calls, drawn int
	happened     []injected
	cells        [boundaries][faults]int
	rares        map[string]int
	ticks        map[deliver.Tick]int
	sends        map[incident.Channel]int
}

// queueOf answers the send queue of a family.
var queueOf = map[incident.Family]string{
	incident.FamilyEmail: "email", incident.FamilySMS: "sms", incident.FamilyWebhook: "webhook",
	incident.FamilySocial: "post", incident.FamilyChat: "post",
}

// keyedChannels are those whose provider shows a repeat under the same key once.
var keyedChannels = []incident.Channel{incident.Webhook, "mastodon"}

// start is when every world begins. It is an ordinary day.
var start = time.Date(2026, 3, 10, 3, 0, 0, 0, time.UTC)

// newWorld makes the world of a seed and gives it to the rig.
func newWorld(r *rig, seed uint64, cut without) *world {
	w := &world{
		rig: r, seed: seed, rng: chanceOf(seed, 1), luck: chanceOf(seed, 2), timeouts: timeouts, without: cut,
		queues: map[string]*queue{}, providers: map[incident.Channel]*provider{}, names: map[addressed]incident.RecipientID{},
		tally: tally{rares: map[string]int{}, ticks: map[deliver.Tick]int{}, sends: map[incident.Channel]int{}},
		cache: newCache(), checker: newChecker(), trace: func(string) {},
	}
	w.now, w.threads = start, &r.threads
	r.w = w
	r.send.Budget = &deliver.Budget{}
	kv := embedded.NewMemory()
	w.store = embedded.New(kv, w.clock)
	book, err := embedded.NewBook(kv, 1+int(seed%3)/2)
	if err != nil {
		panic(err)
	}
	w.book = book
	w.rates = embedded.NewRates(kv, nil)
	for name, function := range map[string]string{
		"alarm": "alarm", "fanout": "fanout", "email": "delivery", "sms": "delivery", "webhook": "delivery", "post": "delivery",
	} {
		w.queues[name] = &queue{name: name, function: function, batch: 3, workers: 2}
	}
	for c := range r.families {
		w.providers[c] = &provider{
			w: w, channel: c, keyed: slices.Contains(keyedChannels, c), seen: map[string]string{}, gone: map[incident.RecipientID]bool{},
		}
	}
	return w
}

// clock is the time as whoever runs reads it.
func (w *world) clock() time.Time {
	if w.current != nil {
		return w.now.Add(w.current.skew)
	}
	return w.now
}

// latency is how long an ordinary call takes.
func (w *world) latency() time.Duration { return w.span(time.Millisecond, 20*time.Millisecond) }

// span is a stretch of time between two.
func (w *world) span(from, to time.Duration) time.Duration {
	if to <= from {
		return from
	}
	return from + time.Duration(w.luck.Int64N(int64(to-from)))
}

func (w *world) rare(what string) {
	w.rares[what]++
	if what == w.planted {
		w.fault("I0", "planted: %s", what)
	}
}

func (w *world) tracef(format string, args ...any) {
	if w.tracing {
		w.trace(clock(w.now) + "  " + fmt.Sprintf(format, args...))
	}
}

// clock writes a moment as a trace shows it.
func clock(t time.Time) string {
	d := t.Sub(start)
	return fmt.Sprintf("%3d:%02d:%06.3f", int(d.Hours()), int(d.Minutes())%60, (d % time.Minute).Seconds())
}

// run lets everything happen and come to rest, and answers what was wrong.
func (w *world) run() []finding {
	defer w.close()
	if w.story {
		w.tell()
	} else {
		w.prepare()
	}
	w.schedule()
	w.until(w.end)
	w.quiet()
	w.judge()
	return w.found
}

// until lets everything happen up to a time.
func (w *world) until(end time.Time) {
	for len(w.found) == 0 && w.step(end) {
	}
	if w.now.Before(end) {
		w.now = end
	}
}

// schedule is the minute's sweep. It is skipped where it would find nothing,
// which changes nothing but the time a seed takes.
func (w *world) schedule() {
	tick := func() {}
	tick = func() {
		if w.needed() {
			times := 1
			if w.chance(atSchedule, duplicate, "schedule") {
				times = 2
			}
			for range times {
				wait := time.Duration(0)
				if w.chance(atSchedule, late, "schedule") {
					wait = w.span(time.Minute, 10*time.Minute)
				}
				w.after(wait, w.sweep)
			}
		}
		w.after(w.pauseOf(), tick)
	}
	w.after(time.Minute, tick)
}

// pauseOf answers how long until a minute at which something may be due.
func (w *world) pauseOf() time.Duration {
	next := w.now.Add(time.Hour)
	if len(w.events) > 0 && w.events[0].at.Before(next) {
		next = w.events[0].at
	}
	if at, ok, err := w.store.NextDue(bg); err == nil && ok && at.Before(next) {
		next = at
	}
	return max(time.Minute, next.Sub(w.now).Truncate(time.Minute))
}

// needed reports whether a sweep has anything to do.
func (w *world) needed() bool {
	soon := w.now.Add(5 * time.Second) // as far as a clock may be ahead
	if at, ok, err := w.store.NextDue(bg); err != nil || ok && !at.After(soon) {
		return true
	}
	if at, ok, err := w.book.NextDue(bg); err != nil || ok && !at.After(soon) {
		return true
	}
	ps, err := w.store.Outbox(bg, soon, 1)
	return err != nil || len(ps) > 0
}

// sweep invokes the schedule's function.
func (w *world) sweep() {
	w.invoke("due", []byte(`{"version":"0","source":"aws.scheduler","detail-type":"Scheduled Event","detail":{}}`),
		func(any, error, bool) {})
}

// patience is how long everything may take to come to rest once nothing goes
// wrong any more: a day for the latest message, and some hours for what it
// brings about.
const patience = 40 * time.Hour

// quiet ends all faults. First time goes on, so that promises are seen kept by
// themselves; then people end what is left, and everything comes to rest.
func (w *world) quiet() {
	if len(w.found) > 0 {
		return
	}
	w.calm = true
	w.heal()
	if w.seed%3 == 0 || w.story { // long enough for a promise to lapse
		w.until(w.now.Add(13 * time.Minute))
		w.checkPromises()
	}
	limit := w.now.Add(patience)
	for len(w.found) == 0 && !w.atRest() {
		w.finish()
		w.until(w.now.Add(30 * time.Minute))
		if w.now.After(limit) {
			w.fault("I2", "it does not come to rest: %s", w.restless())
		}
	}
}

// heal makes providers and pollers well.
func (w *world) heal() {
	clear(w.off)
	for _, p := range w.providers {
		p.down, p.revoked = span{}, span{}
	}
	for _, name := range slices.Sorted(maps.Keys(w.queues)) {
		w.queues[name].stalled = time.Time{}
	}
	for _, c := range slices.Sorted(maps.Keys(w.providers)) {
		if err := w.rates.Set(bg, c, false); err != nil {
			panic(err)
		}
	}
}

// atRest reports whether nothing is left to be done.
func (w *world) atRest() bool { return w.restless() == "" }

// restless says what is left to be done.
func (w *world) restless() string {
	var left []string
	for _, name := range slices.Sorted(maps.Keys(w.queues)) {
		if q := w.queues[name]; len(q.letters) > 0 {
			l := q.letters[0]
			left = append(left, fmt.Sprintf("%d messages on %s, the first (received %d times, visible %s): %s", len(q.letters), name, l.received, clock(l.visible), l.body))
		}
	}
	is, err := w.store.Live(bg)
	if err != nil {
		panic(err)
	}
	for _, i := range is {
		left = append(left, fmt.Sprintf("incident %s is %s", i.ID(), i.Stage()))
	}
	ps, err := w.store.Outbox(bg, w.now.Add(time.Hour), 3)
	if err != nil {
		panic(err)
	}
	for _, p := range ps {
		left = append(left, fmt.Sprintf("outbox %s/%d%s", p.Incident, p.Seq, p.Slot))
	}
	if at, ok, err := w.book.NextDue(bg); err != nil || ok && at.Before(w.now.Add(time.Hour)) {
		left = append(left, "work on a subscription, due "+clock(at))
	}
	if w.waiting > 0 {
		left = append(left, "an alarm's action that is to be tried again")
	}
	for _, t := range w.tasks {
		if !t.over {
			left = append(left, "a running "+t.function)
		}
	}
	w.tasks = slices.DeleteFunc(w.tasks, func(t *task) bool { return t.over })
	return strings.Join(left, "; ")
}

// close ends what still runs, so that nothing of this world lives on.
func (w *world) close() {
	w.calm, w.closing = true, true
	for _, t := range w.tasks {
		w.kill(t)
	}
}

// park keeps what a handler will never be able to do.
func (w *world) park(queue string, body []byte) {
	w.parkings = append(w.parkings, string(body))
	if w.broken[string(body)] {
		w.rare("poison parked")
		return
	}
	w.fault("I11", "a good message of %s is parked: %s", queue, body)
}
