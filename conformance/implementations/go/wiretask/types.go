// Package wiretask is the Wiretask protocol, version 1, written by hand from generated/docs/PROTOCOL.md.
//
// The layouts are tables (messages.go), read and written by one small interpreter (decode.go, encode.go). A message is a
// Fields: integers, enums and flags are uint64, texts string, octets []byte, lists []any, structs Fields.
package wiretask

import "regexp"

// Fields are the fields and the tags of a message or a struct, by name. A tag that is absent has no key.
type Fields map[string]any

// Unknown is the key of the tags that are not known here; its value is a []Tag.
const Unknown = "unknown"

// Tag is a tag that is not known here, kept as it came.
type Tag struct {
	Number uint64
	Octets []byte
}

type kind int

const (
	number kind = iota
	boolean
	closedEnum
	flagSet
	fixed
	text
	octets
	list
	structure
	relayed
)

// Type says how a value is written and which values are legal.
type Type struct {
	kind     kind
	width    int // octets of a number, or of the length before a text; the size of fixed octets
	min, max uint64
	pattern  *regexp.Regexp
	item     *Type
	fields   []Field
	rule     func(Fields) bool
	relay    string
}

// Field is one field of a message or a struct.
type Field struct {
	name string
	Type
}

type tagged map[uint64]Field

func most(width int) uint64 { return 1<<(8*width-1)<<1 - 1 }

func u(width int) Type              { return Type{kind: number, width: width, max: most(width)} }
func (t Type) from(min uint64) Type { t.min = min; return t }
func (t Type) to(max uint64) Type   { t.max = max; return t }

func bytesOf(size int) Type { return Type{kind: fixed, width: size} }
func listOf(item Type, limit uint64) Type {
	return Type{kind: list, item: &item, max: limit}
}
func structOf(fields []Field) Type { return Type{kind: structure, fields: fields} }
func closed(last uint64) Type      { return Type{kind: closedEnum, width: 1, min: 1, max: last} }

var (
	u8, u16, u32, u64 = u(1), u(2), u(4), u(8)
	boolType          = Type{kind: boolean, width: 1, max: 1}
	enum              = u8 // open: every value is legal, and kept
	name              = Type{kind: text, width: 1, min: 1, max: 128, pattern: regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.:/@+-]*$`)}
	line              = Type{kind: text, width: 2, max: 1024}
	longText          = Type{kind: text, width: 2, max: 65535}
	body              = Type{kind: octets, width: 4, max: 64 << 20}
	taskID            = bytesOf(16)
	lease             = u64
	millis            = u32
	age               = u64
)
