package wiretask

// State is a state of a connection, seen by one side.
type State string

// event is a message, with its kind where the kinds of a message are events of their own.
type event struct {
	command uint64
	kind    uint64
}

// stay keeps the state.
const stay State = ""

// Closed is the state in which nothing more is read.
const Closed State = "closed"

var (
	open, accept, ping, pong = event{3, Open}, event{3, Accept}, event{3, Ping}, event{3, Pong}
	challenge, proof         = event{5, 1}, event{5, 2}
)

func of(command uint64) event { return event{command: command} }

// machines say what may be received in which state, and which state is next (PROTOCOL.md, State machines). What is not
// listed is UNEXPECTED_MESSAGE.
var machines = map[string]map[State]map[event]State{
	"scheduler": {
		"greeting":        {open: "opening"},
		"opening":         {},
		"challenged":      {proof: "proving", of(6): Closed, of(4): stay},
		"proving":         {},
		"worker_new":      {of(19): stay, of(8): stay, of(9): "worker", of(6): "worker_draining", ping: stay, pong: stay, of(4): stay},
		"worker":          {of(2): stay, of(9): stay, of(10): stay, of(12): stay, of(18): stay, of(8): stay, of(6): "worker_draining", ping: stay, pong: stay, of(4): stay},
		"worker_draining": {of(2): stay, of(10): stay, of(12): stay, of(18): stay, of(8): stay, ping: stay, pong: stay, of(4): stay},
		"client":          {of(7): stay, of(8): stay, of(11): stay, of(13): stay, of(15): stay, of(16): stay, of(6): Closed, ping: stay, pong: stay, of(4): stay},
	},
	"worker": {
		"opening":  {challenge: "proving", accept: "accepted", of(6): Closed, of(4): stay},
		"proving":  {accept: "accepted", of(6): Closed, of(4): stay},
		"accepted": {of(1): stay, of(8): stay, of(11): stay, of(17): stay, of(19): stay, of(6): "leaving", ping: stay, pong: stay, of(4): stay},
		"leaving":  {of(8): stay, of(11): stay, of(17): stay, ping: stay, pong: stay, of(4): stay},
	},
	"client": {
		"opening":  {challenge: "proving", accept: "accepted", of(6): Closed, of(4): stay},
		"proving":  {accept: "accepted", of(6): Closed, of(4): stay},
		"accepted": {of(8): stay, of(2): stay, of(14): stay, of(12): stay, of(6): "leaving", ping: stay, pong: stay, of(4): stay},
		"leaving":  {of(8): stay, of(2): stay, of(14): stay, of(12): stay, ping: stay, pong: stay, of(4): stay},
	},
}

// local are the states in which the scheduler decides before it reads on.
var local = map[State]bool{"opening": true, "proving": true}

var initial = map[string]State{"scheduler": "greeting", "worker": "opening", "client": "opening"}

// handshaking are the states before the accept: short frames, and nothing is skipped.
var handshaking = map[State]bool{"greeting": true, "opening": true, "challenged": true, "proving": true}
