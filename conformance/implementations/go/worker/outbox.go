package worker

import (
	"net"
	"sync"
	"time"
)

// For the last frames to leave before the connection is closed all the same.
const farewell = time.Second

// outbox writes frames in their order. It has no bound of its own, so that its sender never waits for a slow scheduler
// (two ends that wait for each other to read would wait for ever): Results are bounded by in_flight, and who sends what may
// be left out looks at `full` first.
type outbox struct {
	conn    net.Conn
	mutex   sync.Mutex
	filled  *sync.Cond
	frames  net.Buffers
	octets  int
	closing bool
	written chan struct{} // closed when everything has gone out, or cannot
}

func newOutbox(conn net.Conn) *outbox {
	o := &outbox{conn: conn, written: make(chan struct{})}
	o.filled = sync.NewCond(&o.mutex)
	go o.write()
	return o
}

func (o *outbox) put(frame []byte) {
	o.mutex.Lock()
	defer o.mutex.Unlock()
	if !o.closing {
		o.frames = append(o.frames, frame)
		o.octets += len(frame)
		o.filled.Signal()
	}
}

// full says whether the scheduler is so slow that what may be left out should be.
func (o *outbox) full() bool {
	o.mutex.Lock()
	defer o.mutex.Unlock()
	return o.octets > 1<<20
}

// close ends the connection once what was put has gone out, or could not for a while.
func (o *outbox) close() {
	o.mutex.Lock()
	defer o.mutex.Unlock()
	o.closing = true
	_ = o.conn.SetWriteDeadline(time.Now().Add(farewell))
	o.filled.Signal()
}

func (o *outbox) write() {
	defer close(o.written)
	defer o.conn.Close()
	for {
		frames, octets := o.take()
		if frames == nil {
			return
		}
		if _, err := frames.WriteTo(o.conn); err != nil {
			return
		}
		o.mutex.Lock()
		o.octets -= octets
		o.mutex.Unlock()
	}
}

// take waits for frames; there are none once all is said.
func (o *outbox) take() (net.Buffers, int) {
	o.mutex.Lock()
	defer o.mutex.Unlock()
	for len(o.frames) == 0 && !o.closing {
		o.filled.Wait()
	}
	frames := o.frames
	o.frames = nil
	return frames, o.octets
}
