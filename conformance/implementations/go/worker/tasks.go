package worker

import (
	"context"
	"errors"
	"fmt"
	"time"

	"wiretask.example/wiretask"
)

func (l *loop) onTask(f wiretask.Fields) {
	a := &assignment{
		taskID: f["task_id"].([]byte),
		lease:  f["lease"].(uint64),
		limit:  time.Duration(f["time_limit"].(uint64)) * time.Millisecond,
		cost:   1,
	}
	if cost, is := f["cost"].(uint64); is {
		a.cost = int(cost)
	}
	if remaining := f["remaining"].(uint64); remaining > 0 {
		a.expires = time.Now().Add(time.Duration(remaining) * time.Millisecond)
	}
	envelope, err := wiretask.DecodeRelayed(wiretask.Relayed["Envelope"], f["envelope"].([]byte))
	switch {
	case err != nil:
		l.giveBack(a, wiretask.ReturnUnsupported, "the envelope cannot be read: "+err.Error())
	case l.w.config.Handlers[envelope["type"].(string)] == nil:
		l.giveBack(a, wiretask.ReturnUnsupported, "this worker does not know the type")
	case envelope["encoding"].(uint64) != wiretask.EncodingRaw:
		l.giveBack(a, wiretask.ReturnUnsupported, "this worker takes raw bodies only")
	case l.exceeds(a) || l.draining:
		l.giveBack(a, wiretask.ReturnOverloaded, "more tasks than the credit of this worker")
	default:
		a.kind, a.body = envelope["type"].(string), envelope["body"].([]byte)
		l.waiting = append(l.waiting, a)
		l.begin()
	}
	l.flush()
}

// begin starts what can run, in the order of arrival (R-CRD-003), and says so.
func (l *loop) begin() {
	for len(l.waiting) > 0 {
		a := l.waiting[0]
		if used := l.used(); used > 0 && used+a.cost > l.w.config.Slots {
			return
		}
		l.waiting = l.waiting[1:]
		l.running[a.lease] = a
		l.begun = a.lease
		l.say()
		l.start(a)
	}
}

// used is how many slots are taken: also by what goes on although it is not ours any more.
func (l *loop) used() int {
	used := 0
	for _, a := range l.running {
		used += a.cost
	}
	return used
}

// exceeds says whether a task is more than the window of this worker.
func (l *loop) exceeds(a *assignment) bool {
	held := 0
	for _, other := range l.running {
		if !other.dropped {
			held += other.cost
		}
	}
	for _, other := range l.waiting {
		held += other.cost
	}
	return held > 0 && held+a.cost > l.w.config.Slots+prefetch
}

func (l *loop) start(a *assignment) {
	ctx, cancel := withLimit(a.limit)
	a.cancel = cancel
	handler := l.w.config.Handlers[a.kind]
	progress := func(current, total uint64, body []byte) {
		l.w.post(func(l *loop) { l.progress(a, current, total, body) })
	}
	go func() {
		body, err := call(ctx, handler, a.body, progress)
		timedOut := errors.Is(context.Cause(ctx), errTimedOut)
		cancel()
		l.w.post(func(l *loop) { l.ended(a, body, err, timedOut) })
	}()
}

// call is a handler that cannot take the worker with it.
func call(ctx context.Context, handler Handler, body []byte, progress func(uint64, uint64, []byte)) (made []byte, err error) {
	defer func() {
		if found := recover(); found != nil {
			err = &Failure{Type: "panic", Text: fmt.Sprint(found)}
		}
	}()
	return handler(ctx, body, progress)
}

func (l *loop) progress(a *assignment, current, total uint64, body []byte) {
	if l.link.serves() && !a.dropped {
		l.link.send("Progress", wiretask.Fields{"task_id": a.taskID, "lease": a.lease, "current": current, "total": total, "body": body})
	}
}

func (l *loop) ended(a *assignment, body []byte, err error, timedOut bool) {
	delete(l.running, a.lease)
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
	l.begin()
	l.flush()
}

// report keeps a Result until it is accepted (R-RES-001).
func (l *loop) report(a *assignment, outcome uint64, body []byte, err error) {
	said := wiretask.Fields{"encoding": wiretask.EncodingRaw, "body": body}
	fields := wiretask.Fields{"task_id": a.taskID, "lease": a.lease, "outcome": outcome}
	if body == nil {
		said["body"] = []byte{}
	}
	if err != nil {
		said["error_type"], said["error_message"] = "error", err.Error()
		var failure *Failure
		if errors.As(err, &failure) {
			said["error_type"] = failure.Type
			if failure.NoRetry {
				fields["no_retry"] = true
			}
			if failure.RetryAfter > 0 {
				fields["retry_after"] = failure.RetryAfter
			}
		}
	}
	octets, refused := wiretask.EncodeRelayed(wiretask.Relayed["Report"], said)
	if refused != nil {
		octets, _ = wiretask.EncodeRelayed(wiretask.Relayed["Report"], wiretask.Fields{"encoding": wiretask.EncodingRaw, "body": []byte{}})
		fields["outcome"] = wiretask.Failed
	}
	fields["report"] = octets
	l.reports = append(l.reports, &report{layout: "Result", fields: fields, lease: a.lease, taskID: a.taskID})
	l.flush()
}

func (l *loop) giveBack(a *assignment, reason uint64, text string) {
	fields := wiretask.Fields{"task_id": a.taskID, "lease": a.lease, "reason": reason}
	if text != "" {
		fields["text"] = text
	}
	l.reports = append(l.reports, &report{layout: "Return", fields: fields, lease: a.lease, taskID: a.taskID})
}

// tooLong takes the place of a report that the connection does not take.
var tooLong, _ = wiretask.EncodeRelayed(wiretask.Relayed["Report"], wiretask.Fields{
	"encoding": wiretask.EncodingRaw, "body": []byte{},
	"error_type": "ResultTooLarge", "error_message": "the result is longer than the frame limit allows",
})

// flush sends what may be sent: no more than may be unaccepted.
func (l *loop) flush() {
	if !l.link.serves() {
		return
	}
	for _, r := range l.reports {
		if r.seq != 0 {
			continue
		}
		if l.link.seq-l.link.acceptedSeq >= l.link.inFlight {
			return
		}
		if octets, is := r.fields["report"].([]byte); is && uint64(len(octets)) > l.link.limit-wiretask.RelayHeadroom {
			r.fields["outcome"], r.fields["report"] = wiretask.Failed, tooLong
		}
		l.link.seq++
		r.seq = l.link.seq
		r.fields["seq"] = r.seq
		l.link.send(r.layout, r.fields)
	}
}
