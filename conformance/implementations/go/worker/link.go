package worker

import (
	"crypto/rand"
	"encoding/binary"
	"net"
	"sort"
	"time"

	"wiretask.example/wiretask"
)

// link is one connection to the scheduler, and what was agreed on for it. A nil link is none.
type link struct {
	conn        net.Conn
	out         *outbox
	nonce       uint64
	opened      time.Time
	heard, said time.Time
	frame       uint64    // that is coming
	octets      int       // of it that are here; 0 is none
	begun       time.Time // when it began to come
	heartbeat   time.Duration
	frameLimit  uint64
	inFlight    uint64
	seq         uint64 // of our last sequenced message
	acceptedSeq uint64
	heardSeq    uint64   // of the scheduler's last one
	session     []byte   // that begins with this connection
	proving     *proving // nil where this worker has no token
	accepted    bool
	resuming    bool
	serving     bool // nothing but the handshake comes before
}

// newLink greets, and reads what comes into the events of the worker.
func newLink(w *Worker, conn net.Conn) *link {
	now := time.Now()
	l := &link{
		conn: conn, out: newOutbox(conn), opened: now, heard: now, said: now,
		heartbeat: defaultHeartbeat, frameLimit: wiretask.FrameLimit, inFlight: defaultInFlight,
	}
	l.open(w.config)
	go l.read(w)
	return l
}

func (l *link) read(w *Worker) {
	connection := wiretask.NewConnection("worker", wiretask.FrameLimit)
	buffer := make([]byte, 1<<16)
	for {
		count, err := l.conn.Read(buffer)
		messages, wrong := connection.Receive(buffer[:count])
		frame, octets := connection.Partial()
		w.post(func(loop *loop) {
			l.hear(time.Now(), frame, octets)
			for _, message := range messages {
				loop.received(l, message)
			}
			if wrong != nil {
				loop.breakOff(l, wrong)
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
		"versions": wiretask.Fields{"min_version": version, "max_version": version},
		"role":     wiretask.RoleWorker, "agent": agent, "frame_limit": uint64(wiretask.FrameLimit),
		wiretask.Unknown: []wiretask.Tag{{Number: 0x7fa0 + l.nonce%16}}, // grease (R-HEL-010)
	}
	if config.Name != "" {
		opening["name"] = config.Name
	}
	if config.Credentials != nil {
		opening["key_id"] = config.Credentials.keyID
		l.proving = &proving{token: config.Credentials.token, open: payload("Hello", opening)}
	}
	l.send("Hello", opening)
}

// accept takes what was agreed on; what is wrong with it is an error to send.
func (l *link) accept(f wiretask.Fields) *wiretask.Error {
	if l.proving != nil && !l.proving.proved(f) { // R-AUT-006
		return wiretask.Refuse(wiretask.AuthFailed, "the scheduler has not proved that it knows the token")
	}
	if f["nonce"] != l.nonce {
		return wiretask.Refuse(wiretask.VersionMismatch, "this accept answers another open")
	}
	if f["version"] != version {
		return wiretask.Refuse(wiretask.VersionMismatch, "this version was not offered")
	}
	if heartbeat, there := f["heartbeat"].(uint64); there {
		l.heartbeat = time.Duration(heartbeat) * time.Millisecond
	}
	l.frameLimit = min(l.frameLimit, wiretask.LimitOf(f))
	if inFlight, there := f["in_flight"].(uint64); there {
		l.inFlight = inFlight
	}
	l.session, _ = f["session"].([]byte)
	l.accepted = true
	return nil
}

func (l *link) subscribe(config Config) {
	names := []string{}
	for name := range config.Handlers {
		names = append(names, name)
	}
	sort.Strings(names)
	types := []any{}
	for _, name := range names {
		types = append(types, wiretask.Fields{"type": name, "cancel": wiretask.CancelCooperative, "max_attempts": uint64(0)})
	}
	l.put([]byte{byte(0xc0 + l.nonce%16), 0, 0, 0, 0}) // grease (R-HEL-010)
	queues := []any{wiretask.Fields{"queue": config.Queue, "weight": uint64(1)}}
	l.send("Subscribe", wiretask.Fields{"queues": queues, "types": types})
}

// serves says whether Results and the like may be sent.
func (l *link) serves() bool { return l != nil && l.serving }

// mayReport says whether one more sequenced message may be unaccepted.
func (l *link) mayReport() bool { return l.serves() && l.seq-l.acceptedSeq < l.inFlight }

// room is how long a report may be, so that it fits into every message that relays it.
func (l *link) room() int { return int(l.frameLimit) - wiretask.RelayHeadroom }

func (l *link) send(name string, fields wiretask.Fields) {
	frame, err := wiretask.Encode(wiretask.ByName[name], fields)
	if err != nil {
		panic(err) // a bug here: nothing of ours may be illegal
	}
	l.put(frame)
}

func (l *link) put(frame []byte) {
	l.said = time.Now()
	l.out.put(frame)
}

// hear takes note of a sign of life, and of how much of which frame has come.
func (l *link) hear(now time.Time, frame uint64, octets int) {
	l.heard = now
	if frame != l.frame || l.octets == 0 {
		l.begun = now
	}
	l.frame, l.octets = frame, octets
}

// tick sends a sign of life where one is due; an error where there is no sense in going on.
func (l *link) tick(now time.Time) *wiretask.Error {
	switch {
	case !l.accepted && !now.Before(l.doom()):
		return wiretask.Refuse(wiretask.HandshakeTimeout, "no accept came in time")
	case !now.Before(l.doom()) && l.octets > 0:
		return wiretask.Refuse(wiretask.FrameTooSlow, "the rest of a frame did not come in time")
	case !now.Before(l.doom()):
		return wiretask.Refuse(wiretask.Silent, "nothing came for three heartbeats")
	case l.accepted && !now.Before(l.said.Add(l.heartbeat)):
		l.send("Hello", wiretask.Fields{"kind": wiretask.Ping, "nonce": l.nonce})
	}
	return nil
}

// doom is when the scheduler is given up, unless something comes. A frame that has begun must grow by 1024 octets a second,
// looked at after three heartbeats (PROTOCOL.md, Liveness).
func (l *link) doom() time.Time {
	patience := silentHeartbeats * l.heartbeat
	switch {
	case !l.accepted:
		return l.opened.Add(handshakeDeadline)
	case l.octets > 0:
		return l.begun.Add(max(patience, time.Duration(l.octets)*time.Second/1024))
	}
	return l.heard.Add(patience)
}

// deadline is when the next tick has something to do.
func (l *link) deadline() time.Time {
	ping := l.said.Add(l.heartbeat)
	if doom := l.doom(); !l.accepted || doom.Before(ping) {
		return doom
	}
	return ping
}
