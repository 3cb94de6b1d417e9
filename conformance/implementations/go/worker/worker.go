// Package worker runs tasks for a Wiretask scheduler.
//
// One goroutine owns all state (loop.go, session.go, tasks.go) and does what comes in over one channel: messages, ends of
// handlers, time. Handlers run in goroutines of their own; a connection has one that reads (link.go) and one that writes
// (outbox.go). The loop waits for none of them.
package worker

import (
	"context"
	"errors"
	"time"
)

// Handler runs a task. It should return when the context is cancelled: nothing else stops it.
type Handler func(ctx context.Context, task Task) ([]byte, error)

// Task is what a handler gets.
type Task struct {
	Body []byte
	// Results are those of its group, in order, where it is a callback.
	Results []Member
	// Progress tells how far the task is, with a partial result. It may be left out where the scheduler is slow.
	Progress func(current, total uint64, body []byte)
}

// Member is how a member of a group ended.
type Member struct {
	Outcome uint64
	Body    []byte
}

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
	// Credentials prove who this is to a scheduler that wants it, which must prove the same; nil where there are none.
	Credentials *Credentials
	// Ready is called each time that a scheduler has the subscription.
	Ready func()
}

// PROTOCOL.md, Limits.
const (
	handshakeDeadline = 5 * time.Second
	defaultHeartbeat  = 5 * time.Second
	silentHeartbeats  = 3
	defaultInFlight   = 100000
)

const (
	version = uint64(1)
	agent   = "wiretask-go/0.1"
	// Waits between two looks for the scheduler: doubled with each that fails, less up to a half at random.
	firstWait, longestWait = 100 * time.Millisecond, 5 * time.Second
	// One slot more than runs is asked for, so that a slot that is free has work at once.
	prefetch = 1
)

// ErrRefused is why a worker ends by itself: the scheduler will never take it.
var ErrRefused = errors.New("the scheduler refuses this worker")

// Worker is one worker.
type Worker struct {
	config Config
	// Without a buffer: an event that was sent is one that is done, also at the end.
	events chan func(*loop)
	done   chan struct{}
}

// New is a worker that has not begun. You must call Run.
func New(config Config) *Worker {
	return &Worker{config: config, events: make(chan func(*loop)), done: make(chan struct{})}
}

// Run works until it is drained, stopped or refused.
func (w *Worker) Run() error {
	defer close(w.done)
	return newLoop(w).run()
}

// Drain finishes what runs, gives back the rest, and ends when all of that is accepted.
func (w *Worker) Drain() { w.post((*loop).drain) }

// Stop ends now, whatever runs, and returns when the connection is closed.
func (w *Worker) Stop() {
	w.post((*loop).stop)
	<-w.done
}

// post has the loop do something; false where it has ended.
func (w *Worker) post(event func(*loop)) bool {
	select {
	case w.events <- event:
		return true
	case <-w.done:
		return false
	}
}
