// SPDX-License-Identifier: Apache-2.0

// The Go clients of Vault and OpenBao, not changed in anything, told what to do by lines of JSON on stdin; one line
// of JSON per answer. `judge vault|openbao`.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
)

// What a command may carry; each uses a few of these.
type command struct {
	Number  int            `json:"number"`
	Do      string         `json:"do"`
	Client  string         `json:"client"`
	Address string         `json:"address"`
	Token   string         `json:"token"`
	Path    string         `json:"path"`
	Type    string         `json:"type"`
	Name    string         `json:"name"`
	Text    string         `json:"text"`
	TTL     string         `json:"ttl"`
	User    string         `json:"user"`
	Pass    string         `json:"password"`
	MFA     string         `json:"mfa"`
	Data    map[string]any `json:"data"`
}

// The server's refusal, as the library reports it.
type refusal struct {
	Status int      `json:"status"`
	Errors []string `json:"errors"`
}

// One library: what it can be told to do, by name; `refused` recognises its error for an HTTP status.
type library interface {
	connect(q command) error
	act(q command) (any, error)
	refused(err error) (refusal, bool)
}

var libraries = map[string]func() library{
	"vault":   func() library { return &vaultLibrary{} },
	"openbao": func() library { return &openbaoLibrary{} },
}

func answer(l library, q command) map[string]any {
	result := any(nil)
	err := error(nil)
	if q.Do == "connect" {
		err = l.connect(q)
	} else {
		result, err = l.act(q)
	}
	if err == nil {
		return map[string]any{"result": result}
	}
	if r, ok := l.refused(err); ok {
		return map[string]any{"error": r}
	}
	return map[string]any{"broken": err.Error()}
}

func main() {
	if len(os.Args) != 2 || libraries[os.Args[1]] == nil {
		fmt.Fprintln(os.Stderr, "usage: judge vault|openbao")
		os.Exit(2)
	}
	l := libraries[os.Args[1]]()
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<20)
	out := json.NewEncoder(os.Stdout)
	for lines.Scan() {
		var q command
		if err := json.Unmarshal(lines.Bytes(), &q); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(2)
		}
		a := answer(l, q)
		a["number"] = q.Number
		if out.Encode(a) != nil {
			os.Exit(1)
		}
	}
}
