package server

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/evidencefactory/evf/evidence"
)

// Config is everything a server can be told. The zero Config, with Data set,
// is safe: it listens on the loopback only.
type Config struct {
	// Data is the data directory: database, keys, log. It is made on first
	// use, readable by its owner only, and held by one process at a time.
	Data string `yaml:"data"`
	// Listen is the address to serve on, 127.0.0.1:8321 by default. Plain
	// HTTP: put TLS in front before listening beyond the loopback.
	Listen string `yaml:"listen"`
	// Tenants are the tenants to serve, "default" by default. Each has its
	// own log, keys and records.
	Tenants []string `yaml:"tenants"`
	// Anchor is a folder outside the data directory that keeps the latest
	// checkpoint of each log; "" keeps none. The server does not start where
	// its store is behind it.
	Anchor string `yaml:"anchor"`
	// Seal is the interval between checkpoints, 250ms by default, at most 1s.
	Seal time.Duration `yaml:"seal"`
	// TrustClock lets expiry go by this machine's clock even where records
	// were received at a later time: for one start, after a clock that was
	// far ahead has been set right.
	TrustClock bool `yaml:"trust_clock"`

	// Erasures is a file outside the data directory that every erasure is
	// added to, a line each: a restore needs those since its backup. None by
	// default.
	Erasures string `yaml:"erasures"`

	// Log takes the server's own messages, masked like everything that is
	// kept; nil discards them.
	Log *slog.Logger `yaml:"-"`
	// Clock is the time; nil means time.Now.
	Clock func() time.Time `yaml:"-"`
	// Packing hears how many records of a packet that is built are done; nil
	// hears nothing. It is for a program that builds one at a time.
	Packing func(done, total uint64) `yaml:"-"`

	elapsed func() time.Duration // passes whatever the clock does; none for a Clock of others
}

// ReadConfig reads a YAML configuration file. Unknown keys are refused.
func ReadConfig(path string) (Config, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return Config{}, err
	}
	var cfg Config
	dec := yaml.NewDecoder(bytes.NewReader(data))
	dec.KnownFields(true)
	if err := dec.Decode(&cfg); err != nil && !errors.Is(err, io.EOF) {
		return Config{}, fmt.Errorf("%s: %w", path, err)
	}
	return cfg, nil
}

// check fills in defaults and refuses what cannot work.
func (c *Config) check() ([]evidence.TenantID, error) {
	if c.Data == "" {
		return nil, errors.New("no data directory: set data in the configuration, or pass --data DIR")
	}
	if c.Listen == "" {
		c.Listen = DefaultListen
	}
	if c.Seal == 0 {
		c.Seal = 250 * time.Millisecond
	}
	if c.Seal < time.Millisecond || c.Seal > time.Second {
		return nil, fmt.Errorf("seal is %v: checkpoints are 1ms to 1s apart", c.Seal)
	}
	anchor, err := checkAnchor(c.Data, c.Anchor)
	if err != nil {
		return nil, err
	}
	c.Anchor = anchor
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	c.Log = slog.New(maskedLog{c.Log.Handler()})
	if c.Clock == nil {
		c.Clock, c.elapsed = time.Now, monotonic()
	}
	if c.elapsed == nil {
		c.elapsed = func() time.Duration { return 0 }
	}
	if len(c.Tenants) == 0 {
		c.Tenants = []string{DefaultTenant}
	}
	ids := make([]evidence.TenantID, len(c.Tenants))
	for i, name := range c.Tenants {
		id, err := evidence.ParseTenant(name)
		if err != nil {
			return nil, fmt.Errorf("tenant %q: %w", name, err)
		}
		ids[i] = id
	}
	return ids, nil
}

// Defaults of a Config.
const (
	DefaultListen = "127.0.0.1:8321"
	DefaultTenant = "default"
)
