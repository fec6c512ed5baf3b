package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/evidencefactory/evf/client"
	"github.com/evidencefactory/evf/internal/hook"
)

type hookCmd struct {
	ClaudeCode hookClaudeCmd  `cmd:"" name:"claude-code" help:"Answer a hook of Claude Code, from standard input."`
	Install    hookInstallCmd `cmd:"" help:"Put the hook into a project's settings, so that nothing runs where it fails."`
	Status     hookStatusCmd  `cmd:"" help:"Say whether a project's hook is installed, and closes when it fails."`
}

type hookClaudeCmd struct {
	Server string `help:"URL of the server." env:"EVF_SERVER" placeholder:"URL"`
	Auth   string `help:"File with the key of the coding agent's identity; EVF_KEY without it." placeholder:"FILE" type:"path"`
	EnvKey string `hidden:"" env:"EVF_KEY"`
	State  string `help:"Folder for what waits; by default evf in the user's cache." placeholder:"DIR" type:"path"`
	For    string `help:"Whom the sessions go back to, usually a mail address; the user of the machine without it." placeholder:"NAME"`
}

// hookTime bounds one question to the gate: the agent's own limit is longer.
const hookTime = 20 * time.Second

// Run answers the agent. Every failure ends with exit code 2, which agents
// take for a refusal, where others let the tool run.
func (c *hookClaudeCmd) Run(ctx context.Context, std streams) error {
	ctx, cancel := context.WithTimeout(ctx, hookTime)
	defer cancel()
	h, err := c.hook()
	if err == nil {
		err = h.Handle(ctx, std.in, std.out)
	}
	if err != nil {
		fmt.Fprintln(std.err, "evf:", plain(err.Error()))
		return exitError(hookRefuses)
	}
	return nil
}

// hookRefuses is the exit code that a coding agent takes for a refusal.
const hookRefuses = 2

func (c *hookClaudeCmd) hook() (*hook.Hook, error) {
	key := c.EnvKey
	if c.Auth != "" {
		data, err := os.ReadFile(c.Auth)
		if err != nil {
			return nil, fmt.Errorf("the key: %w", err)
		}
		key = strings.TrimSpace(string(data))
	}
	if c.Server == "" || key == "" {
		return nil, errors.New("which server, and with which key? pass --server URL and --auth FILE, or set EVF_SERVER and EVF_KEY")
	}
	dir := c.State
	if dir == "" {
		cache, err := os.UserCacheDir()
		if err != nil {
			return nil, fmt.Errorf("no folder for what waits: pass --state DIR: %w", err)
		}
		dir = filepath.Join(cache, "evf", "hook")
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	who := c.For
	if who == "" {
		who = "user " + fmt.Sprint(os.Getuid()) + " of this machine"
	}
	return &hook.Hook{Client: &client.Client{Server: c.Server, Key: key}, State: hook.State{Dir: dir}, Adapter: hook.Claude{},
		Initiator: client.Party{Kind: "human", Name: who}}, nil
}

type hookInstallCmd struct {
	Project string `help:"The project's folder." default:"." type:"path"`
	Command string `help:"How the agent calls the hook." default:"evf hook claude-code"`
	Dry     bool   `help:"Only show what would change."`
}

func (c *hookInstallCmd) Run(std streams) error {
	path := hook.SettingsFile(c.Project)
	before, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	after, err := hook.Install(before, c.Command)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if string(before) == string(after) {
		_, err = fmt.Fprintf(std.out, "%s has the hook already\n", path)
		return err
	}
	for _, line := range hook.Diff(string(before), string(after)) {
		fmt.Fprintln(std.out, plain(line))
	}
	if c.Dry {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, after, 0o644)
}

type hookStatusCmd struct {
	Project string `help:"The project's folder." default:"." type:"path"`
}

// Run ends with exit code 1 where an agent could act past the hook.
func (c *hookStatusCmd) Run(std streams) error {
	path := hook.SettingsFile(c.Project)
	data, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	faults := 0
	for _, f := range hook.Check(data) {
		faults++
		fmt.Fprintf(std.out, "%s: %s\n", path, plain(f))
	}
	for _, other := range otherSettings(c.Project) {
		data, err := os.ReadFile(other)
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		for _, f := range hook.CheckOther(data) {
			faults++
			fmt.Fprintf(std.out, "%s: %s\n", other, plain(f))
		}
	}
	if faults > 0 {
		return exitError(exitInvalid)
	}
	_, err = fmt.Fprintf(std.out, "%s: every tool is asked about, and nothing runs where the hook fails\n", path)
	return err
}

// otherSettings are the files that can take a project's hook out of force: one
// person's for the project, theirs for all, and the machine's.
func otherSettings(project string) []string {
	files := []string{filepath.Join(project, ".claude", "settings.local.json")}
	dir := os.Getenv("CLAUDE_CONFIG_DIR")
	if home, err := os.UserHomeDir(); dir == "" && err == nil {
		dir = filepath.Join(home, ".claude")
	}
	if dir != "" {
		files = append(files, filepath.Join(dir, "settings.json"))
	}
	return append(files, filepath.Join("/etc", "claude-code", "managed-settings.json"))
}
