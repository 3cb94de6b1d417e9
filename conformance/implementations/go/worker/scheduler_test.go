package worker

import (
	"net"
	"testing"
	"time"

	"wiretask.example/wiretask"
)

const patience = 2 * time.Second

type fields = wiretask.Fields

var taskID = []byte("task id, 16 long")

// scheduler is the other end, moved by hand: it says what a test tells it, and hands over what comes.
type scheduler struct {
	t        *testing.T
	listener net.Listener
	worker   *Worker
	ended    chan error
}

// peer is one connection of the worker under test.
type peer struct {
	t        *testing.T
	conn     net.Conn
	reads    *wiretask.Connection
	messages []wiretask.Message
	decision wiretask.State
	nonce    any // of its open
}

func listen(t *testing.T, slots int, handlers map[string]Handler) *scheduler {
	t.Helper()
	return listenWith(t, Config{Queue: "q", Slots: slots, Handlers: handlers})
}

// listenWith is found by a worker of this configuration.
func listenWith(t *testing.T, config Config) *scheduler {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &scheduler{t: t, listener: listener, ended: make(chan error, 1)}
	config.Address = listener.Addr().String()
	s.worker = New(config)
	go func() { s.ended <- s.worker.Run() }()
	t.Cleanup(func() {
		s.worker.Stop()
		_ = listener.Close()
	})
	return s
}

// meet takes the next connection of the worker, up to its open.
func (s *scheduler) meet() *peer {
	s.t.Helper()
	conn, err := s.listener.Accept()
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = conn.Close() })
	return &peer{t: s.t, conn: conn, reads: wiretask.NewConnection("scheduler", wiretask.FrameLimit), decision: "worker_new"}
}

// accept takes the worker with a session; more are further tags of the accept.
func (p *peer) accept(session string, more fields) {
	p.t.Helper()
	open := p.expect("Hello")
	said := fields{"kind": wiretask.Accept, "nonce": open["nonce"], "version": uint64(1), "session": []byte(session)}
	for name, value := range more {
		said[name] = value
	}
	p.reads.Decide(p.decision)
	p.say("Hello", said)
}

// subscribed is a worker that takes tasks.
func (s *scheduler) subscribed(more fields) *peer {
	s.t.Helper()
	p := s.meet()
	p.accept("first session 16", more)
	p.expect("Subscribe")
	p.expect("Credit")
	return p
}

func (p *peer) say(name string, f fields) {
	p.t.Helper()
	frame, refused := wiretask.Encode(wiretask.ByName[name], f)
	if refused != nil {
		p.t.Fatal(refused)
	}
	if _, err := p.conn.Write(frame); err != nil {
		p.t.Fatal(err)
	}
}

func (p *peer) task(lease uint64, kind, body string, tags fields) {
	p.t.Helper()
	envelope, _ := wiretask.EncodeRelayed(wiretask.Relayed["Envelope"], fields{
		"type": kind, "queue": "q", "encoding": wiretask.EncodingRaw, "body": []byte(body),
	})
	said := fields{"task_id": taskID, "lease": lease, "attempt": uint64(1), "time_limit": uint64(0), "remaining": uint64(0), "envelope": envelope}
	for name, value := range tags {
		said[name] = value
	}
	p.say("Task", said)
}

// next is the next message of the worker, whatever it is.
func (p *peer) next() wiretask.Message {
	p.t.Helper()
	_ = p.conn.SetReadDeadline(time.Now().Add(patience))
	buffer := make([]byte, 1<<16)
	for len(p.messages) == 0 {
		count, err := p.conn.Read(buffer)
		messages, wrong := p.reads.Receive(buffer[:count])
		if wrong != nil {
			p.t.Fatal(wrong)
		}
		if p.messages = append(p.messages, messages...); err != nil && len(p.messages) == 0 {
			p.t.Fatalf("nothing more came: %v", err)
		}
	}
	message := p.messages[0]
	p.messages = p.messages[1:]
	return message
}

// expect is the next message, which must be that; signs of life and of what was begun may come before it.
func (p *peer) expect(name string) fields {
	p.t.Helper()
	for {
		message := p.next()
		if message.Name == name {
			return message.Fields
		}
		if message.Name != "Credit" && message.Name != "Accepted" {
			p.t.Fatalf("%s came, %s was expected: %v", message.Name, name, message.Fields)
		}
	}
}

// nothing shows that nothing else was said: a pong comes next.
func (p *peer) nothing() {
	p.t.Helper()
	p.say("Hello", fields{"kind": wiretask.Ping, "nonce": uint64(42)})
	if pong := p.expect("Hello"); pong["kind"] != wiretask.Pong || pong["nonce"] != uint64(42) {
		p.t.Fatalf("%v is not the pong", pong)
	}
}

func (p *peer) report(f fields) fields {
	p.t.Helper()
	report, err := wiretask.DecodeRelayed(wiretask.Relayed["Report"], f["report"].([]byte))
	if err != nil {
		p.t.Fatal(err)
	}
	return report
}
