package worker

import (
	"context"
	"errors"
	"fmt"
	"time"

	"wiretask.example/wiretask"
)

// key names one delivery of a task. The document is of two minds whether a lease alone would do.
type key struct {
	task  [16]byte
	lease uint64
}

func keyOf(f wiretask.Fields) key {
	return key{[16]byte(f["task_id"].([]byte)), f["lease"].(uint64)}
}

func (k key) taskID() []byte { return k.task[:] }

// assignment is a task that is here, waiting or running.
type assignment struct {
	key
	cost    uint64
	limit   time.Duration // 0 is none
	expires time.Time     // not begun by then it is given back; zero is no bound
	kind    string
	task    Task
	cancel  context.CancelFunc
	dropped bool // somebody else has it: nothing is reported
	stopped bool // it was asked to stop
}

func (a *assignment) drop() {
	a.dropped = true
	a.cancel()
}

// errTimedOut is the cause of a context whose task ran longer than its time limit.
var errTimedOut = errors.New("the time limit is over")

// window is how much is taken at a time, counted by cost.
func (l *loop) window() uint64 { return uint64(l.w.config.Slots + prefetch) }

func cost(assignments []*assignment) uint64 {
	sum := uint64(0)
	for _, a := range assignments {
		sum += a.cost
	}
	return sum
}

// load is what runs, by cost: with what was dropped and goes on, as it sees fit, and of that only what is ours to report.
func (l *loop) load() (all, ours uint64) {
	for _, a := range l.running {
		all += a.cost
		if !a.dropped {
			ours += a.cost
		}
	}
	return all, ours
}

func (l *loop) onTask(f wiretask.Fields) {
	a := &assignment{
		key:   keyOf(f),
		cost:  1,
		limit: time.Duration(f["time_limit"].(uint64)) * time.Millisecond,
	}
	if cost, there := f["cost"].(uint64); there {
		a.cost = cost
	}
	if remaining := f["remaining"].(uint64); remaining > 0 {
		a.expires = time.Now().Add(time.Duration(remaining) * time.Millisecond)
	}
	envelope, err := wiretask.DecodeRelayed(wiretask.Relayed["Envelope"], f["envelope"].([]byte))
	results, unread := resultsOf(f)
	_, ours := l.load()
	switch {
	case err != nil:
		l.giveBack(a, wiretask.ReturnUnsupported, "the envelope cannot be read: "+err.Error())
	case unread != nil:
		l.giveBack(a, wiretask.ReturnUnsupported, "a result of its group cannot be read: "+unread.Error())
	case l.w.config.Handlers[envelope["type"].(string)] == nil:
		l.giveBack(a, wiretask.ReturnUnsupported, "this worker does not know the type")
	case envelope["encoding"] != wiretask.EncodingRaw:
		l.giveBack(a, wiretask.ReturnUnsupported, "this worker takes raw bodies only")
	case l.draining:
		l.giveBack(a, wiretask.ReturnDrain, "")
	case ours+cost(l.waiting)+a.cost > l.window():
		l.giveBack(a, wiretask.ReturnOverloaded, "it is more than the credit of this worker")
	default:
		a.kind, a.task = envelope["type"].(string), Task{Body: envelope["body"].([]byte), Results: results}
		l.waiting = append(l.waiting, a)
	}
}

// resultsOf are the results of a group, where the task is its callback.
func resultsOf(f wiretask.Fields) ([]Member, *wiretask.Error) {
	gathered, there := f["gathered"].(wiretask.Fields)
	if !there {
		return nil, nil
	}
	var members []Member
	for _, each := range gathered["results"].([]any) {
		member := each.(wiretask.Fields)
		report, err := wiretask.DecodeRelayed(wiretask.Relayed["Report"], member["report"].([]byte))
		if err != nil {
			return nil, err
		}
		members = append(members, Member{Outcome: member["outcome"].(uint64), Body: report["body"].([]byte)})
	}
	return members, nil
}

// begin starts what can run, in the order of arrival (R-CRD-003). A task that is larger than all slots runs alone. Without a
// scheduler nothing is begun: it may be giving what waits here to others.
func (l *loop) begin() {
	for len(l.waiting) > 0 && l.link.serves() {
		a := l.waiting[0]
		if all, _ := l.load(); all > 0 && all+a.cost > uint64(l.w.config.Slots) {
			return
		}
		l.waiting = l.waiting[1:]
		l.running[a.key] = a
		l.begun, l.news = a.lease, true
		l.start(a)
	}
}

func (l *loop) start(a *assignment) {
	var ctx context.Context
	if a.limit > 0 {
		ctx, a.cancel = context.WithTimeoutCause(l.life, a.limit, errTimedOut)
	} else {
		ctx, a.cancel = context.WithCancel(l.life)
	}
	handler, w := l.w.config.Handlers[a.kind], l.w
	a.task.Progress = func(current, total uint64, body []byte) {
		w.post(func(l *loop) { l.progress(a, current, total, body) })
	}
	go func() {
		body, err := call(ctx, handler, a.task)
		timedOut := errors.Is(context.Cause(ctx), errTimedOut)
		a.cancel()
		w.post(func(l *loop) { l.ended(a, body, err, timedOut) })
	}()
}

// call is a handler that cannot take the worker with it.
func call(ctx context.Context, handler Handler, task Task) (made []byte, err error) {
	defer func() {
		if found := recover(); found != nil {
			err = &Failure{Type: "panic", Text: fmt.Sprint(found)}
		}
	}()
	return handler(ctx, task)
}

func (l *loop) ended(a *assignment, body []byte, err error, timedOut bool) {
	delete(l.running, a.key)
	switch {
	case a.dropped:
	case err == nil:
		l.report(a, wiretask.Succeeded, body, nil)
	case a.stopped:
		l.report(a, wiretask.Cancelled, nil, err)
	case timedOut:
		l.report(a, wiretask.TimedOut, nil, err)
	default:
		l.report(a, wiretask.Failed, nil, err)
	}
}

func (l *loop) onCancel(f wiretask.Fields) {
	if f["seq"] != l.link.heardSeq+1 {
		l.breakOff(l.link, wiretask.Refuse(wiretask.BadSequence, "this seq is not the next one"))
		return
	}
	l.link.heardSeq++
	l.link.send("Accepted", wiretask.Fields{"seq": l.link.heardSeq})
	superseded := f["mode"] == wiretask.CancelSuperseded
	if a := l.running[keyOf(f)]; a != nil {
		a.dropped, a.stopped = a.dropped || superseded, true
		a.cancel()
	}
	if a := l.withdraw(keyOf(f)); a != nil && !superseded {
		l.report(a, wiretask.Cancelled, nil, &Failure{Type: "Cancelled", Text: "cancelled before it began"})
	}
}

func (l *loop) onRetract(f wiretask.Fields) {
	if a := l.running[keyOf(f)]; a != nil && !a.dropped {
		l.giveBack(a, wiretask.ReturnKept, "")
	}
	if a := l.withdraw(keyOf(f)); a != nil {
		l.giveBack(a, wiretask.ReturnRetracted, "")
	}
	// Else its Result or its Return was sent before: that is the answer (R-RTR-001).
}

// withdraw takes out a task that has not begun; nil where there is none.
func (l *loop) withdraw(key key) (found *assignment) {
	l.waiting = filter(l.waiting, func(a *assignment) bool {
		if a.key == key {
			found = a
		}
		return a.key != key
	})
	return found
}
