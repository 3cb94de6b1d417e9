package worker

import (
	"crypto/rand"
	"encoding/binary"
	"net"
	"time"

	"wiretask.example/wiretask"
)

// For the last frames to leave before the process does.
const farewell = time.Second

// link is one connection to the scheduler. A nil link is none.
type link struct {
	conn        net.Conn
	out         chan []byte
	written     chan struct{} // closed when everything has been written, or cannot be
	nonce       uint64
	opened      time.Time
	heard, said time.Time
	heartbeat   time.Duration
	inFlight    uint64
	limit       uint64 // the longest payload, as both sides have agreed
	seq         uint64 // of our last sequenced message
	acceptedSeq uint64
	heardSeq    uint64 // of the scheduler's last one
	accepted    bool
	resuming    bool
	serving     bool // subscribed, or as good as
}

// dial connects, and reads what comes into the events of the worker.
func dial(w *Worker) (*link, error) {
	conn, err := net.DialTimeout("tcp", w.config.Address, handshakeDeadline)
	if err != nil {
		return nil, err
	}
	now := time.Now()
	l := &link{conn: conn, out: make(chan []byte, 1024), written: make(chan struct{}), opened: now, heard: now, said: now, heartbeat: 5 * time.Second, inFlight: 100000}
	go l.write()
	go l.read(w)
	return l, nil
}

// write sends what is to be sent, so that the loop never waits for a slow scheduler.
func (l *link) write() {
	defer close(l.written)
	for frame := range l.out {
		if _, err := l.conn.Write(frame); err != nil {
			break
		}
	}
	_ = l.conn.Close()
	for range l.out { // nobody is to wait for a connection that is broken
	}
}

// flushed waits until what was said has gone out, for a little while.
func (l *link) flushed() {
	select {
	case <-l.written:
	case <-time.After(farewell):
	}
}

func (l *link) read(w *Worker) {
	connection := wiretask.NewConnection("worker", wiretask.FrameLimit)
	buffer := make([]byte, 1<<16)
	for {
		count, err := l.conn.Read(buffer)
		messages, wrong := connection.Receive(append([]byte{}, buffer[:count]...))
		w.post(func(loop *loop) {
			l.heard = time.Now()
			for _, message := range messages {
				loop.received(l, message)
			}
			if wrong != nil && loop.link == l {
				l.send("Error", wrong.Message())
			}
		})
		if err != nil || wrong != nil {
			break
		}
	}
	w.post(func(loop *loop) { loop.disconnected(l) })
}

func (l *link) open(config Config) {
	var random [8]byte
	_, _ = rand.Read(random[:])
	l.nonce = binary.BigEndian.Uint64(random[:])
	opening := wiretask.Fields{
		"kind": wiretask.Open, "nonce": l.nonce,
		"versions": wiretask.Fields{"min_version": uint64(1), "max_version": uint64(1)},
		"role":     wiretask.RoleWorker, "agent": "wiretask-go/0.1", "frame_limit": uint64(wiretask.FrameLimit),
		wiretask.Unknown: []wiretask.Tag{{Number: 0x7fa0 + l.nonce%16}},
	}
	if config.Name != "" {
		opening["name"] = config.Name
	}
	l.send("Hello", opening)
}

// accept takes what the scheduler has decided, and says what is wrong with it.
func (l *link) accept(f wiretask.Fields) string {
	if f["nonce"].(uint64) != l.nonce {
		return "this accept answers another open"
	}
	if f["version"].(uint64) != 1 {
		return "this version was not offered"
	}
	if heartbeat, is := f["heartbeat"].(uint64); is {
		l.heartbeat = time.Duration(heartbeat) * time.Millisecond
	}
	if inFlight, is := f["in_flight"].(uint64); is {
		l.inFlight = inFlight
	}
	l.limit = min(wiretask.FrameLimit, wiretask.LimitOf(f))
	l.accepted = true
	return ""
}

func (l *link) subscribe(config Config) {
	types := []any{}
	for name := range config.Handlers {
		types = append(types, wiretask.Fields{"type": name, "cancel": wiretask.CancelCooperative, "max_attempts": uint64(0)})
	}
	l.raw([]byte{byte(0xc0 + l.nonce%16), 0, 0, 0, 0}) // means nothing, so that skipping stays alive (R-HEL-010)
	l.send("Subscribe", wiretask.Fields{"queues": []any{wiretask.Fields{"queue": config.Queue, "weight": uint64(1)}}, "types": types})
}

// serves says whether Results and the like may be sent.
func (l *link) serves() bool { return l != nil && l.serving }

func (l *link) send(name string, fields wiretask.Fields) {
	if l == nil {
		return
	}
	frame, err := wiretask.Encode(wiretask.ByName[name], fields)
	if err != nil {
		panic(err) // a bug here: nothing of ours may be illegal
	}
	l.raw(frame)
}

func (l *link) raw(frame []byte) {
	if l.out != nil {
		l.said = time.Now()
		l.out <- frame
	}
}

// close ends the stream once what was sent has gone out.
func (l *link) close() {
	if l.out != nil {
		close(l.out)
		l.out = nil
	}
}

// tick sends signs of life, and says when there is no sense in going on.
func (l *link) tick(now time.Time) (why string, code wiretask.Code) {
	switch {
	case !l.accepted && now.Sub(l.opened) > handshakeDeadline:
		return "no accept in time", wiretask.Silent
	case l.accepted && now.Sub(l.heard) > silentHeartbeats*l.heartbeat:
		return "nothing came for too long; send a ping each heartbeat", wiretask.Silent
	case l.accepted && now.Sub(l.said) > l.heartbeat:
		l.send("Hello", wiretask.Fields{"kind": wiretask.Ping, "nonce": l.nonce})
	}
	return "", 0
}
