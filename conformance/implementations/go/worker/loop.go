package worker

import (
	"context"
	"errors"
	"fmt"
	"time"

	"wiretask.example/wiretask"
)

// loop is all state of a worker. Nothing but its own goroutine touches it.
type loop struct {
	w        *Worker
	link     *link // nil while there is none
	session  []byte
	waiting  []*assignment
	running  map[uint64]*assignment
	reports  []*report
	begun    uint64
	draining bool
	stopping bool
	failures int
	retry    time.Time     // when to look for the scheduler again
	away     time.Duration // how long the scheduler wants us to stay away
	err      error
}

func newLoop(w *Worker) *loop {
	return &loop{w: w, running: map[uint64]*assignment{}}
}

func (l *loop) run() error {
	ticker := time.NewTicker(10 * time.Millisecond)
	defer ticker.Stop()
	for !l.stopping {
		if l.link == nil && !time.Now().Before(l.retry) {
			l.connect()
		}
		select {
		case event := <-l.w.events:
			event(l)
		case <-ticker.C:
			l.tick(time.Now())
		}
		if l.finished() {
			break
		}
	}
	l.leave()
	return l.err
}

// wait is how long to stay away: as long as was asked for, and longer with each failure.
func (l *loop) wait() time.Duration {
	wait := firstWait << min(l.failures, 6)
	l.failures++
	return max(min(wait, longestWait), l.away)
}

func (l *loop) connect() {
	link, err := dial(l.w)
	if err != nil {
		l.retry = time.Now().Add(l.wait())
		return
	}
	l.link, l.away = link, 0
	link.open(l.w.config)
}

// finished says whether a worker that drains has nothing more to do.
func (l *loop) finished() bool {
	return l.draining && len(l.running) == 0 && len(l.waiting) == 0 && len(l.reports) == 0
}

func (l *loop) leave() {
	for _, a := range l.running {
		a.dropped = true
		a.cancel()
	}
	if l.link != nil {
		l.link.close()
		l.link.flushed()
	}
}

func (l *loop) drain() {
	l.draining = true
	for _, a := range l.waiting {
		l.giveBack(a, wiretask.ReturnDrain, "")
	}
	l.waiting = nil
	if l.link.serves() {
		l.link.send("Goodbye", wiretask.Fields{"reason": wiretask.GoodbyeDrain})
	}
	l.flush()
}

func (l *loop) stop() { l.stopping = true }

// disconnected is called once a connection, when it has ended.
func (l *loop) disconnected(link *link) {
	if l.link != link {
		return
	}
	link.close()
	l.link, l.retry = nil, time.Now().Add(l.wait())
	for _, r := range l.reports {
		r.seq = 0
	}
}

// tick looks at time: signs of life, deadlines, and what has waited for too long.
func (l *loop) tick(now time.Time) {
	if l.link != nil {
		if why, code := l.link.tick(now); why != "" {
			l.breakOff(code, why)
		}
	}
	for i := 0; i < len(l.waiting); i++ {
		if a := l.waiting[i]; !a.expires.IsZero() && now.After(a.expires) {
			l.waiting = append(l.waiting[:i], l.waiting[i+1:]...)
			i--
			l.giveBack(a, wiretask.ReturnOverloaded, "it could not begin in time")
		}
	}
	l.flush()
}

// breakOff tells the scheduler what it has done wrong, and closes.
func (l *loop) breakOff(code wiretask.Code, why string) {
	if l.link == nil {
		return
	}
	failure := &wiretask.Error{Code: code, Offset: wiretask.Nowhere}
	fields := failure.Message()
	fields["text"] = why
	l.link.send("Error", fields)
	l.disconnected(l.link)
}

// received does what a message says.
func (l *loop) received(link *link, m wiretask.Message) {
	if l.link != link {
		return
	}
	link.heard = time.Now()
	f := m.Fields
	switch m.Name {
	case "Hello":
		l.onHello(f)
	case "Resume":
		l.onResume(f)
	case "Task":
		l.onTask(f)
	case "Accepted":
		l.onAccepted(f["seq"].(uint64))
	case "Cancel":
		l.onCancel(f)
	case "Retract":
		l.onRetract(f)
	case "Goodbye":
		l.onGoodbye(f)
	case "Error":
		l.onError(f)
	case "Auth":
		l.err = fmt.Errorf("%w: it wants a token", ErrRefused)
		l.stopping = true
	}
}

func (l *loop) onHello(f wiretask.Fields) {
	switch f["kind"].(uint64) {
	case wiretask.Ping:
		l.link.send("Hello", wiretask.Fields{"kind": wiretask.Pong, "nonce": f["nonce"]})
	case wiretask.Accept:
		if why := l.link.accept(f); why != "" {
			l.breakOff(wiretask.VersionMismatch, why)
			return
		}
		former := l.session
		l.session, _ = f["session"].([]byte)
		if former == nil {
			l.abandonAllBut(nil)
			l.serve()
			return
		}
		l.link.resuming = true
		l.link.send("Resume", wiretask.Fields{"session": former, "leases": l.held()})
	}
}

// held are all leases of which something is still to be said.
func (l *loop) held() []any {
	leases := []any{}
	named := map[uint64]bool{}
	add := func(taskID []byte, lease uint64) {
		if named[lease] {
			return
		}
		named[lease] = true
		leases = append(leases, wiretask.Fields{"task_id": taskID, "lease": lease})
	}
	for _, r := range l.reports {
		add(r.taskID, r.lease)
	}
	for lease, a := range l.running {
		if !a.dropped {
			add(a.taskID, lease)
		}
	}
	for _, a := range l.waiting {
		add(a.taskID, a.lease)
	}
	return leases
}

func (l *loop) onResume(f wiretask.Fields) {
	if !l.link.resuming {
		l.breakOff(wiretask.UnexpectedMessage, "this Resume answers none of ours")
		return
	}
	l.link.resuming = false
	l.session = f["session"].([]byte)
	kept := map[uint64]bool{}
	for _, item := range f["leases"].([]any) {
		kept[item.(wiretask.Fields)["lease"].(uint64)] = true
	}
	l.abandonAllBut(kept)
	l.serve()
}

// abandonAllBut drops what the scheduler has given to others: nothing is reported of it (R-RSM-001).
func (l *loop) abandonAllBut(kept map[uint64]bool) {
	for lease, a := range l.running {
		if !kept[lease] {
			a.dropped = true
			a.cancel()
		}
	}
	l.waiting = filter(l.waiting, func(a *assignment) bool { return kept[a.lease] })
	l.reports = filter(l.reports, func(r *report) bool { return kept[r.lease] })
}

func (l *loop) serve() {
	l.link.serving = true
	l.failures = 0
	if l.draining {
		l.link.send("Goodbye", wiretask.Fields{"reason": wiretask.GoodbyeDrain})
	} else {
		l.link.subscribe(l.w.config)
		l.say()
		if l.w.config.Ready != nil {
			l.w.config.Ready()
		}
	}
	l.flush()
}

// say tells how much is taken, and what was begun last.
func (l *loop) say() {
	if l.link.serves() && !l.draining {
		slots := uint64(l.w.config.Slots + prefetch)
		l.link.send("Credit", wiretask.Fields{"slots": slots, "octets": uint64(0), "begun": l.begun})
	}
}

func (l *loop) onAccepted(seq uint64) {
	if seq > l.link.seq {
		l.breakOff(wiretask.BadSequence, "this seq was never sent")
		return
	}
	l.reports = filter(l.reports, func(r *report) bool { return r.seq == 0 || r.seq > seq })
	l.link.acceptedSeq = max(l.link.acceptedSeq, seq)
	l.flush()
}

func (l *loop) onCancel(f wiretask.Fields) {
	seq, lease := f["seq"].(uint64), f["lease"].(uint64)
	if seq != l.link.heardSeq+1 {
		l.breakOff(wiretask.BadSequence, "this seq is not the next one")
		return
	}
	l.link.heardSeq = seq
	l.link.send("Accepted", wiretask.Fields{"seq": seq})
	superseded := f["mode"].(uint64) == wiretask.CancelSuperseded
	if a := l.running[lease]; a != nil {
		a.dropped, a.stopped = a.dropped || superseded, true
		a.cancel()
		return
	}
	for i, a := range l.waiting {
		if a.lease == lease {
			l.waiting = append(l.waiting[:i], l.waiting[i+1:]...)
			if !superseded {
				l.report(a, wiretask.Cancelled, nil, &Failure{Type: "Cancelled", Text: "cancelled before it began"})
			}
			return
		}
	}
}

func (l *loop) onRetract(f wiretask.Fields) {
	lease := f["lease"].(uint64)
	if a := l.running[lease]; a != nil && !a.dropped {
		l.giveBack(a, wiretask.ReturnKept, "")
		l.flush()
		return
	}
	for i, a := range l.waiting {
		if a.lease == lease {
			l.waiting = append(l.waiting[:i], l.waiting[i+1:]...)
			l.giveBack(a, wiretask.ReturnRetracted, "")
			l.flush()
			return
		}
	}
	// Its Result was sent before: that is the answer (R-RTR-001).
}

func (l *loop) onGoodbye(f wiretask.Fields) {
	after, _ := f["reconnect_after"].(uint64)
	l.away = time.Duration(after) * time.Millisecond
	if !l.link.serving {
		l.disconnected(l.link)
	}
}

func (l *loop) onError(f wiretask.Fields) {
	if f["scope"].(uint64) != wiretask.ScopeConnection {
		return
	}
	after, _ := f["retry_after"].(uint64)
	l.away = time.Duration(after) * time.Millisecond
	if !l.link.serving && f["retry"].(uint64) == 0 {
		l.err = fmt.Errorf("%w: %v", ErrRefused, f["text"])
		l.stopping = true
	}
	l.disconnected(l.link)
}

func filter[T any](items []T, keep func(T) bool) []T {
	var kept []T
	for _, item := range items {
		if keep(item) {
			kept = append(kept, item)
		}
	}
	return kept
}

// errTimedOut is the cause of a context whose task ran longer than its time limit.
var errTimedOut = errors.New("the time limit is over")

func withLimit(limit time.Duration) (context.Context, context.CancelFunc) {
	if limit == 0 {
		return context.WithCancel(context.Background())
	}
	return context.WithTimeoutCause(context.Background(), limit, errTimedOut)
}
