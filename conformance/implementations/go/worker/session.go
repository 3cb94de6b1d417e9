package worker

import (
	"sort"
	"time"

	"wiretask.example/wiretask"
)

// received does what a message says.
func (l *loop) received(link *link, m wiretask.Message) {
	if l.link != link {
		return
	}
	if link.serving && m.Name != "Error" {
		l.failures = 0 // this scheduler works with us: not so one that takes us and throws us out at once
	}
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
		l.onChallenge(f)
	}
	l.flush() // now, so that what answers this message stands before what answers the next one, which may be a ping
}

func (l *loop) onHello(f wiretask.Fields) {
	switch f["kind"].(uint64) {
	case wiretask.Ping:
		l.link.send("Hello", wiretask.Fields{"kind": wiretask.Pong, "nonce": f["nonce"]})
	case wiretask.Accept:
		if wrong := l.link.accept(f); wrong != nil {
			l.breakOff(l.link, wrong)
			if wrong.Code == wiretask.AuthFailed {
				l.refused("it has not proved that it knows the token")
			}
			return
		}
		if l.former == nil {
			l.serve(nil)
			return
		}
		l.link.resuming = true
		l.link.send("Resume", wiretask.Fields{"session": l.former, "leases": l.held()})
	}
}

// onChallenge proves that this worker knows a token, or leaves for good where it has none (R-AUT-006).
func (l *loop) onChallenge(f wiretask.Fields) {
	if l.link.proving == nil {
		l.breakOff(l.link, wiretask.Refuse(wiretask.AuthRequired, "this worker has no token"))
		l.refused("it wants a token, and this worker has none")
		return
	}
	l.link.send("Auth", l.link.proving.prove(f))
}

// held are all leases of which something is still to be said, in the order in which they were given.
func (l *loop) held() []any {
	keys := map[key]bool{}
	for _, r := range l.reports {
		keys[r.key] = true
	}
	for key, a := range l.running {
		if !a.dropped {
			keys[key] = true
		}
	}
	for _, a := range l.waiting {
		keys[a.key] = true
	}
	sorted := make([]key, 0, len(keys))
	for key := range keys {
		sorted = append(sorted, key)
	}
	sort.Slice(sorted, func(i, j int) bool { return sorted[i].lease < sorted[j].lease })
	leases := []any{}
	for _, key := range sorted {
		leases = append(leases, wiretask.Fields{"task_id": key.taskID(), "lease": key.lease})
	}
	return leases
}

func (l *loop) onResume(f wiretask.Fields) {
	if !l.link.resuming { // R-RSM-003
		l.breakOff(l.link, wiretask.Refuse(wiretask.UnexpectedMessage, "this Resume answers none of ours"))
		return
	}
	l.link.session = f["session"].([]byte)
	kept := map[key]bool{}
	for _, item := range f["leases"].([]any) {
		kept[keyOf(item.(wiretask.Fields))] = true
	}
	l.serve(kept)
}

// serve begins to work in the session of this connection. Of what is held from a former one, what is not kept is dropped:
// nothing is reported of it (R-RSM-001).
func (l *loop) serve(kept map[key]bool) {
	l.link.resuming, l.link.serving = false, true
	// Only now: until a Resume is answered, the leases belong to the former session.
	l.former = l.link.session
	for key, a := range l.running {
		if !kept[key] {
			a.drop()
		}
	}
	l.waiting = filter(l.waiting, func(a *assignment) bool { return kept[a.key] })
	l.reports = filter(l.reports, func(r *report) bool { return kept[r.key] })
	if l.draining {
		l.link.send("Goodbye", wiretask.Fields{"reason": wiretask.GoodbyeDrain})
		return
	}
	l.link.subscribe(l.w.config)
	l.news = true
	l.say()
	if l.w.config.Ready != nil {
		l.w.config.Ready()
	}
}

// say tells how much is taken, and what was begun last; once for all that has begun since.
func (l *loop) say() {
	if !l.news || !l.link.serves() || l.draining {
		return
	}
	l.news = false
	l.link.send("Credit", wiretask.Fields{"slots": l.window(), "octets": uint64(0), "begun": l.begun})
}

func (l *loop) onAccepted(seq uint64) {
	if seq > l.link.seq { // R-ACC-004
		l.breakOff(l.link, wiretask.Refuse(wiretask.BadSequence, "this seq was never sent"))
		return
	}
	l.reports = filter(l.reports, func(r *report) bool { return r.seq == 0 || r.seq > seq })
	l.link.acceptedSeq = max(l.link.acceptedSeq, seq)
}

// onGoodbye: what runs is still reported, until the scheduler ends the stream.
func (l *loop) onGoodbye(f wiretask.Fields) {
	after, _ := f["reconnect_after"].(uint64)
	l.away = time.Duration(after) * time.Millisecond
	if !l.link.serving {
		l.disconnected(l.link)
	}
}

func (l *loop) onError(f wiretask.Fields) {
	if f["scope"] != wiretask.ScopeConnection {
		if l.link.resuming && f["command"] == wiretask.ByName["Resume"].Command {
			l.serve(nil) // a session that the scheduler will not hear of: nothing of it is kept
		}
		return
	}
	after, _ := f["retry_after"].(uint64)
	l.away = time.Duration(after) * time.Millisecond
	if !l.link.serving && f["retry"] == wiretask.RetryNever {
		l.refused(f["text"])
	}
	l.disconnected(l.link)
}
