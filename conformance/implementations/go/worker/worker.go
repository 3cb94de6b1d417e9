// Package worker runs tasks for a Wiretask scheduler.
//
// One goroutine owns all state (loop.go) and does what comes in over one channel: messages, ends of handlers, time. Handlers
// run in goroutines of their own, and the connection has one that reads.
package worker

import (
	"context"
	"errors"
	"time"

	"wiretask.example/wiretask"
)

// Handler runs a task. It should return when the context is cancelled.
type Handler func(ctx context.Context, body []byte, progress func(current, total uint64, body []byte)) ([]byte, error)

// Failure is an error that says more than its text.
type Failure struct {
	Type       string
	Text       string
	NoRetry    bool
	RetryAfter uint64 // ms; 0 is none
}

func (f *Failure) Error() string { return f.Text }

// Config is what a worker is told.
type Config struct {
	Address  string
	Queue    string
	Slots    int
	Name     string
	Handlers map[string]Handler
	// Ready is called when a scheduler has the subscription.
	Ready func()
}

const (
	firstWait, longestWait = 50 * time.Millisecond, 3 * time.Second
	handshakeDeadline      = 5 * time.Second
	silentHeartbeats       = 3
	// One task more than runs waits here, so that a slot that is free has work at once.
	prefetch = 1
)

// ErrRefused is why a worker ends by itself: the scheduler will never take it.
var ErrRefused = errors.New("the scheduler refuses this worker")

// Worker is one worker.
type Worker struct {
	config Config
	events chan func(*loop)
	done   chan struct{}
	err    error
}

// New is a worker that has not begun.
func New(config Config) *Worker {
	return &Worker{config: config, events: make(chan func(*loop), 64), done: make(chan struct{})}
}

// Run works until it is drained or stopped.
func (w *Worker) Run() error {
	defer close(w.done)
	l := newLoop(w)
	w.err = l.run()
	return w.err
}

// Drain finishes what runs, gives back the rest, and ends.
func (w *Worker) Drain() { w.post((*loop).drain) }

// Stop ends now, whatever runs, and returns when nothing is left.
func (w *Worker) Stop() {
	w.post((*loop).stop)
	<-w.done
}

func (w *Worker) post(event func(*loop)) {
	select {
	case w.events <- event:
	case <-w.done:
	}
}

// assignment is a task that is here, waiting or running.
type assignment struct {
	taskID  []byte
	lease   uint64
	limit   time.Duration
	cost    int // how many slots it takes
	kind    string
	body    []byte
	expires time.Time // not begun by then it is given back; zero is no bound
	cancel  context.CancelFunc
	dropped bool // somebody else has it: nothing is reported
	stopped bool // it was asked to stop
}

// report is a Result or a Return that the scheduler has not accepted.
type report struct {
	layout string
	fields wiretask.Fields
	lease  uint64
	taskID []byte
	seq    uint64 // on the present connection; 0 was not sent
}
