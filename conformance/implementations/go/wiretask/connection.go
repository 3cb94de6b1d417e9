package wiretask

import "encoding/binary"

const (
	headerOctets = 5
	helloCommand = 3
	authCommand  = 5
	// HandshakeLimit is the longest payload before the accept.
	HandshakeLimit = 4096
	// RelayHeadroom is how much shorter than the frame limit an envelope or a report is.
	RelayHeadroom = 4096
	// FrameLimit is the longest payload that a peer takes where its Hello says nothing else.
	FrameLimit = 4 << 20
)

// LimitOf is the longest payload that the sender of a Hello takes.
func LimitOf(hello Fields) uint64 {
	if limit, is := hello["frame_limit"].(uint64); is {
		return limit
	}
	return FrameLimit
}

// Message is what has come: a layout and its fields.
type Message struct {
	*Layout
	Fields Fields
}

// Connection is one end of a connection: octets in, messages out, in the order of errors that PROTOCOL.md prescribes.
// It knows no socket. After an error, or a message that leaves the machine closed, nothing more is read.
type Connection struct {
	side  string
	State State
	Limit uint64 // the frame limit in force once accepted
	rest  []byte
	whole uint64 // frames that were read
	fresh bool   // nothing has been read
}

// NewConnection is the end of a `side`: scheduler, worker or client.
func NewConnection(side string, limit uint64) *Connection {
	return &Connection{side: side, State: initial[side], Limit: limit, fresh: true}
}

// NewConnectionIn is one that has come into a state already.
func NewConnectionIn(side string, state State, limit uint64) *Connection {
	return &Connection{side: side, State: state, Limit: limit, fresh: state == initial[side]}
}

// Receive takes octets and gives the messages that are whole. With an error come the messages before it.
func (c *Connection) Receive(octets []byte) ([]Message, *Error) {
	c.rest = append(c.rest, octets...)
	if c.fresh && len(c.rest) > 0 {
		c.fresh = false
		if c.side == "scheduler" && c.rest[0] != helloCommand {
			return nil, c.close(fail(NotWiretask, "", Nowhere))
		}
	}
	var messages []Message
	for {
		message, err := c.next()
		if err != nil {
			return messages, c.close(err)
		}
		if message == nil {
			return messages, nil
		}
		if message.Layout != nil {
			messages = append(messages, *message)
		}
	}
}

// Partial is the frame that has begun and is not whole: which one of this connection it is, and how much of it is here.
func (c *Connection) Partial() (frame uint64, octets int) { return c.whole, len(c.rest) }

// Decide moves a scheduler's connection on that waits for its decision.
func (c *Connection) Decide(state State) { c.State = state }

// End says that the stream has ended.
func (c *Connection) End() *Error {
	if c.State != Closed && len(c.rest) > 0 {
		return c.close(fail(Truncated, "", len(c.rest)))
	}
	c.State = Closed
	return nil
}

func (c *Connection) close(err *Error) *Error {
	c.State, c.rest = Closed, nil
	return err
}

// next is the next frame: nil where none is whole, and without a layout where it is to be skipped.
func (c *Connection) next() (*Message, *Error) {
	if len(c.rest) < headerOctets || c.State == Closed || c.side == "scheduler" && local[c.State] {
		return nil, nil
	}
	command, length := uint64(c.rest[0]), uint64(binary.BigEndian.Uint32(c.rest[1:]))
	layout := Messages[command]
	err := c.judge(command, layout)
	if limit := c.limit(); err == nil && length > limit {
		err = fail(FrameTooLarge, "", Nowhere)
	}
	if err != nil {
		err.Command = command
		return nil, err
	}
	if uint64(len(c.rest)-headerOctets) < length {
		return nil, nil
	}
	payload := c.rest[headerOctets : headerOctets+length]
	c.rest = c.rest[headerOctets+length:]
	c.whole++
	if layout == nil {
		return &Message{}, nil
	}
	f, err := DecodePayload(layout, payload)
	if err == nil {
		err = c.follow(layout, f)
	}
	return &Message{layout, f}, err
}

func (c *Connection) limit() uint64 {
	if handshaking[c.State] {
		return HandshakeLimit
	}
	return c.Limit
}

// judge looks at a command before its length: is it known, and allowed now? Only an accepted connection skips.
func (c *Connection) judge(command uint64, layout *Layout) *Error {
	skippable := command >= 0x80 && command <= 0xcf
	if layout == nil {
		switch {
		case !skippable:
			return fail(UnknownCommand, "", Nowhere)
		case handshaking[c.State]:
			return fail(UnexpectedMessage, "", Nowhere)
		}
		return nil
	}
	for event := range machines[c.side][c.State] {
		if event.command == command {
			return nil
		}
	}
	return fail(UnexpectedMessage, "", Nowhere)
}

// follow moves the machine on.
func (c *Connection) follow(layout *Layout, f Fields) *Error {
	happened := event{command: layout.Command}
	if layout.Command == helloCommand || layout.Command == authCommand {
		happened.kind = f["kind"].(uint64)
	}
	target, allowed := machines[c.side][c.State][happened]
	if !allowed {
		return &Error{Code: UnexpectedMessage, Offset: Nowhere, Command: layout.Command}
	}
	if target != stays {
		c.State = target
	}
	if happened.command == helloCommand && happened.kind == Accept {
		c.Limit = min(c.Limit, LimitOf(f))
	}
	return nil
}
