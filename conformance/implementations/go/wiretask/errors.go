package wiretask

import "fmt"

// Code is an error of the protocol.
type Code uint64

// Errors that a peer's octets have, and that a worker answers with.
const (
	UnknownCommand    Code = 101
	FrameTooLarge     Code = 102
	NotWiretask       Code = 103
	UnexpectedMessage Code = 104
	FrameTooSlow      Code = 105
	Truncated         Code = 201
	TrailingBytes     Code = 202
	BadUTF8           Code = 203
	BadEnum           Code = 204
	OutOfRange        Code = 205
	LimitExceeded     Code = 206
	TagOrder          Code = 207
	CriticalTag       Code = 208
	TagLength         Code = 209
	BadPattern        Code = 210
	RuleBroken        Code = 211
	VersionMismatch   Code = 301
	AuthRequired      Code = 303
	AuthFailed        Code = 304
	HandshakeTimeout  Code = 306
	Silent            Code = 307
	BadSequence       Code = 309
)

var codeNames = map[Code]string{
	UnknownCommand:    "UNKNOWN_COMMAND",
	FrameTooLarge:     "FRAME_TOO_LARGE",
	NotWiretask:       "NOT_WIRETASK",
	UnexpectedMessage: "UNEXPECTED_MESSAGE",
	FrameTooSlow:      "FRAME_TOO_SLOW",
	Truncated:         "TRUNCATED",
	TrailingBytes:     "TRAILING_BYTES",
	BadUTF8:           "BAD_UTF8",
	BadEnum:           "BAD_ENUM",
	OutOfRange:        "OUT_OF_RANGE",
	LimitExceeded:     "LIMIT_EXCEEDED",
	TagOrder:          "TAG_ORDER",
	CriticalTag:       "CRITICAL_TAG",
	TagLength:         "TAG_LENGTH",
	BadPattern:        "BAD_PATTERN",
	RuleBroken:        "RULE_BROKEN",
	VersionMismatch:   "VERSION_MISMATCH",
	AuthRequired:      "AUTH_REQUIRED",
	AuthFailed:        "AUTH_FAILED",
	HandshakeTimeout:  "HANDSHAKE_TIMEOUT",
	Silent:            "SILENT",
	BadSequence:       "BAD_SEQUENCE",
}

func (c Code) String() string { return codeNames[c] }

// Nowhere is the offset of an error that has no place: the fields of a message do not fit together, or its frame is wrong.
const Nowhere = -1

// Error is what is wrong with octets or with a value: the field by its path, and where in the payload it begins.
type Error struct {
	Code    Code
	Field   string
	Offset  int
	Command uint64 // of the frame, where it is known; 0 is none
	why     string
}

// Refuse is an error that no decoder finds: of what a peer does, not of how it writes.
func Refuse(code Code, why string) *Error { return &Error{Code: code, Offset: Nowhere, why: why} }

func (e *Error) Error() string {
	switch {
	case e.why != "":
		return fmt.Sprintf("%s: %s", e.Code, e.why)
	case e.Offset == Nowhere:
		return e.Code.String()
	}
	return fmt.Sprintf("%s at %q (offset %d)", e.Code, e.Field, e.Offset)
}

// retry is what PROTOCOL.md advises: time heals what time has done, and nothing heals a bug.
func (c Code) retry() uint64 {
	if c == Silent || c == HandshakeTimeout || c == FrameTooSlow {
		return RetryLater
	}
	return RetryNever
}

// Message is the Error to send before closing: every error of octets ends the connection.
func (e *Error) Message() Fields {
	made := Fields{
		"code": uint64(e.Code), "scope": ScopeConnection, "retry": e.Code.retry(),
		"command": e.Command, "seq": uint64(0), "text": e.Error(),
	}
	if e.Field != "" {
		made["field"] = e.Field
	}
	if e.Offset >= 0 {
		made["offset"] = uint64(e.Offset)
	}
	return made
}

// Values of enums that a program needs by name.
const (
	Open   uint64 = 1
	Accept uint64 = 2
	Ping   uint64 = 3
	Pong   uint64 = 4

	Challenge uint64 = 1
	Proof     uint64 = 2

	RoleWorker      uint64 = 1
	ScopeConnection uint64 = 3
	RetryNever      uint64 = 0
	RetryLater      uint64 = 1

	Succeeded uint64 = 1
	Failed    uint64 = 2
	Cancelled uint64 = 3
	TimedOut  uint64 = 4

	ReturnDrain       uint64 = 1
	ReturnRetracted   uint64 = 2
	ReturnKept        uint64 = 3
	ReturnUnsupported uint64 = 4
	ReturnOverloaded  uint64 = 5

	GoodbyeDrain      uint64 = 2
	CancelSuperseded  uint64 = 3
	CancelCooperative uint64 = 1
	EncodingRaw       uint64 = 0
)
