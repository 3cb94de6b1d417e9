package wiretask

import "strings"

// State is a state of a connection, seen by one side.
type State string

const (
	// Closed is the state in which nothing more is read.
	Closed State = "closed"
	// stays keeps the state.
	stays State = ""
)

// event is a message, with its kind where the kinds of a message are events of their own.
type event struct {
	command uint64
	kind    uint64
}

// arrows are, of one state, the messages that lead to each other state.
type arrows map[State]string

// machines say what may be received in which state, and which state is next (PROTOCOL.md, State machines). What is not
// listed is UNEXPECTED_MESSAGE.
var machines = map[string]map[State]map[event]State{
	"scheduler": drawn(map[State]arrows{
		"greeting":   {"opening": "Hello.open"},
		"challenged": {stays: "Error", "proving": "Auth.proof", Closed: "Goodbye"},
		"worker_new": {
			stays:             "Hello.ping Hello.pong Error Accepted Resume",
			"worker":          "Subscribe",
			"worker_draining": "Goodbye",
		},
		"worker": {
			stays:             "Hello.ping Hello.pong Error Accepted Result Return Progress Credit Subscribe",
			"worker_draining": "Goodbye",
		},
		"worker_draining": {stays: "Hello.ping Hello.pong Error Accepted Result Return Progress Credit"},
		"client":          {stays: "Hello.ping Hello.pong Error Accepted Submit Cancel Query Await Schedule", Closed: "Goodbye"},
	}),
	"worker": drawn(map[State]arrows{
		"opening":  {"accepted": "Hello.accept", stays: "Error", "proving": "Auth.challenge", Closed: "Goodbye"},
		"proving":  {"accepted": "Hello.accept", stays: "Error", Closed: "Goodbye"},
		"accepted": {stays: "Hello.ping Hello.pong Error Accepted Task Cancel Retract Resume", "leaving": "Goodbye"},
		"leaving":  {stays: "Hello.ping Hello.pong Error Accepted Cancel Retract"},
	}),
	"client": drawn(map[State]arrows{
		"opening":  {"accepted": "Hello.accept", stays: "Error", "proving": "Auth.challenge", Closed: "Goodbye"},
		"proving":  {"accepted": "Hello.accept", stays: "Error", Closed: "Goodbye"},
		"accepted": {stays: "Hello.ping Hello.pong Error Accepted Result Progress Status", "leaving": "Goodbye"},
		"leaving":  {stays: "Hello.ping Hello.pong Error Accepted Result Progress Status"},
	}),
}

var kinds = map[string]event{
	"Hello.open": {helloCommand, Open}, "Hello.accept": {helloCommand, Accept},
	"Hello.ping": {helloCommand, Ping}, "Hello.pong": {helloCommand, Pong},
	"Auth.challenge": {authCommand, Challenge}, "Auth.proof": {authCommand, Proof},
}

// named is the event that has a name in the document.
func named(word string) (event, bool) {
	if happened, is := kinds[word]; is {
		return happened, true
	}
	layout := ByName[word]
	if layout == nil {
		return event{}, false
	}
	return event{command: layout.Command}, true
}

func drawn(states map[State]arrows) map[State]map[event]State {
	machine := map[State]map[event]State{}
	for state, arrows := range states {
		machine[state] = map[event]State{}
		for target, words := range arrows {
			for _, word := range strings.Fields(words) {
				happened, _ := named(word)
				machine[state][happened] = target
			}
		}
	}
	return machine
}

// local are the states in which the scheduler decides before it reads on.
var local = map[State]bool{"opening": true, "proving": true}

var initial = map[string]State{"scheduler": "greeting", "worker": "opening", "client": "opening"}

// handshaking are the states before the accept: short frames, and nothing is skipped.
var handshaking = map[State]bool{"greeting": true, "opening": true, "challenged": true, "proving": true}
