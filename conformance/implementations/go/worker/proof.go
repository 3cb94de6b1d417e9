package worker

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"strings"

	"wiretask.example/wiretask"
)

// Credentials are a key and its token. They are not printed.
type Credentials struct {
	keyID string
	token []byte
}

var errCredentials = errors.New("credentials are KEY_ID:TOKEN, with a token of 32 octets or more")

// ParseCredentials reads KEY_ID:TOKEN. What is wrong is said without what was read.
func ParseCredentials(text string) (*Credentials, error) {
	at := strings.LastIndexByte(text, ':')
	if at < 1 || len(text)-at-1 < 32 {
		return nil, errCredentials
	}
	return &Credentials{keyID: text[:at], token: []byte(text[at+1:])}, nil
}

// String shows the key alone.
func (c *Credentials) String() string { return c.keyID + ":…" }

// proving is one handshake with a token (PROTOCOL.md, Authentication): payloads, as they were on the wire.
type proving struct {
	token           []byte
	open, challenge []byte
	nonce           []byte
}

const (
	proofOctets  = 32
	headerOctets = 5 // the command and the length
)

// prove answers a challenge.
func (p *proving) prove(challenge wiretask.Fields) wiretask.Fields {
	p.challenge = payload("Auth", challenge)
	p.nonce = make([]byte, proofOctets)
	_, _ = rand.Read(p.nonce)
	return wiretask.Fields{"kind": wiretask.Proof, "nonce": p.nonce, "proof": p.proof("wiretask1 client")}
}

// proved says whether who accepts knows the token, too. One who has asked for no proof has none himself.
func (p *proving) proved(accept wiretask.Fields) bool {
	proof, there := accept["proof"].([]byte)
	if p.challenge == nil || !there {
		return false
	}
	blank := wiretask.Fields{}
	for name, value := range accept {
		blank[name] = value
	}
	blank["proof"] = make([]byte, proofOctets)
	return hmac.Equal(proof, p.proof("wiretask1 server", payload("Hello", blank)))
}

func (p *proving) proof(label string, more ...[]byte) []byte {
	mac := hmac.New(sha256.New, p.token)
	mac.Write([]byte(label))
	// No TLS here, so that there is no certificate.
	for _, part := range append([][]byte{p.open, p.challenge, p.nonce, nil}, more...) {
		mac.Write(binary.BigEndian.AppendUint32(nil, uint32(len(part))))
		mac.Write(part)
	}
	return mac.Sum(nil)
}

// payload is what was on the wire: each value has one encoding.
func payload(name string, f wiretask.Fields) []byte {
	frame, err := wiretask.Encode(wiretask.ByName[name], f)
	if err != nil {
		panic(err) // it was decoded, or made here
	}
	return frame[headerOctets:]
}
