package worker

import (
	"context"
	"fmt"
	"math/rand"
	"net"
	"time"

	"wiretask.example/wiretask"
)

// loop is all state of a worker. Nothing but its own goroutine touches it.
type loop struct {
	w        *Worker
	life     context.Context
	end      context.CancelFunc
	link     *link  // nil while there is none
	former   []byte // the token of the session that our leases belong to; nil is none
	waiting  []*assignment
	running  map[key]*assignment
	reports  []*report
	begun    uint64
	news     bool // the credit, or what was begun, is to be said
	draining bool
	stopping bool
	dialling bool
	failures int
	retry    time.Time     // when to look for the scheduler again
	away     time.Duration // how long the scheduler wants us to stay away
	err      error
}

func newLoop(w *Worker) *loop {
	life, end := context.WithCancel(context.Background())
	return &loop{w: w, life: life, end: end, running: map[key]*assignment{}}
}

func (l *loop) run() error {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for !l.stopping && !l.drained() {
		timer.Reset(time.Until(l.deadline()))
		select {
		case event := <-l.w.events:
			event(l)
		case <-timer.C:
			l.tick(time.Now())
		}
		l.settle()
	}
	l.leave()
	return l.err
}

// settle does what an event has made possible.
func (l *loop) settle() {
	l.begin()
	l.say()
	l.flush()
}

// drained says whether a worker that drains has nothing more to do, nor to say.
func (l *loop) drained() bool {
	return l.draining && len(l.running) == 0 && len(l.waiting) == 0 && len(l.reports) == 0
}

func (l *loop) leave() {
	l.end() // of whatever runs, too
	if l.link != nil {
		l.link.out.close()
		<-l.link.out.written
	}
}

func (l *loop) stop() { l.stopping = true }

func (l *loop) drain() {
	if l.draining {
		return
	}
	l.draining = true
	for _, a := range l.waiting {
		l.giveBack(a, wiretask.ReturnDrain, "")
	}
	l.waiting = nil
	if l.link.serves() {
		l.link.send("Goodbye", wiretask.Fields{"reason": wiretask.GoodbyeDrain})
	}
}

// deadline is when there is something to do although nothing happens.
func (l *loop) deadline() time.Time {
	next := time.Now().Add(time.Hour)
	earlier := func(when time.Time) {
		if when.Before(next) {
			next = when
		}
	}
	if l.link != nil {
		earlier(l.link.deadline())
	} else if !l.dialling {
		earlier(l.retry)
	}
	for _, a := range l.waiting {
		if !a.expires.IsZero() {
			earlier(a.expires)
		}
	}
	return next
}

// tick looks at time: signs of life, deadlines, and what has waited for too long.
func (l *loop) tick(now time.Time) {
	if l.link == nil && !l.dialling && !now.Before(l.retry) {
		l.connect()
	}
	if l.link != nil {
		if wrong := l.link.tick(now); wrong != nil {
			l.breakOff(l.link, wrong)
		}
	}
	l.waiting = filter(l.waiting, func(a *assignment) bool {
		late := !a.expires.IsZero() && !now.Before(a.expires)
		if late {
			l.giveBack(a, wiretask.ReturnOverloaded, "it could not begin in time")
		}
		return !late
	})
}

// connect looks for the scheduler, without waiting for it.
func (l *loop) connect() {
	l.dialling = true
	go func() {
		dialler := net.Dialer{Timeout: handshakeDeadline}
		conn, err := dialler.DialContext(l.life, "tcp", l.w.config.Address)
		known := l.w.post(func(l *loop) { l.connected(conn, err) })
		if err == nil && !known {
			_ = conn.Close()
		}
	}()
}

func (l *loop) connected(conn net.Conn, err error) {
	l.dialling = false
	if err != nil {
		l.putOff()
		return
	}
	l.away = 0
	l.link = newLink(l.w, conn)
}

// disconnected is called once a connection, when it has ended or is of no use any more.
func (l *loop) disconnected(link *link) {
	if l.link != link {
		return
	}
	link.out.close()
	l.link = nil
	l.putOff()
	for _, r := range l.reports {
		r.seq = 0
	}
}

// putOff waits with the next look for the scheduler: longer with each failure, and as long as was asked for.
func (l *loop) putOff() {
	wait := min(firstWait<<min(l.failures, 6), longestWait)
	wait -= time.Duration(rand.Int63n(int64(wait / 2))) // many workers should not come back at once
	l.failures++
	l.retry = time.Now().Add(max(wait, l.away))
}

// breakOff tells the scheduler what it has done wrong, and closes (R-ERR-001).
func (l *loop) breakOff(link *link, wrong *wiretask.Error) {
	if l.link == link {
		link.send("Error", wrong.Message())
		l.disconnected(link)
	}
}

// refused ends a worker that no scheduler will take.
func (l *loop) refused(why any) {
	l.err = fmt.Errorf("%w: %v", ErrRefused, why)
	l.stopping = true
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
