package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/evidencefactory/evf/internal/tlog"
)

// logTimeout bounds each request to a log.
const logTimeout = 30 * time.Second

// maxLogFile bounds what is read of a log's file: a checkpoint is the largest.
const maxLogFile = tlog.MaxCheckpoint

// logFiles reads the files of the log that --log names, each once.
func (c *verifyCmd) logFiles(ctx context.Context, std streams) (tlog.Files, error) {
	var read tlog.Files
	if strings.HasPrefix(c.Log, "http://") || strings.HasPrefix(c.Log, "https://") {
		l, err := c.logAddress(ctx, std)
		if err != nil {
			return nil, err
		}
		read = l.get
	} else {
		if _, err := os.Stat(c.Log); err != nil {
			return nil, err
		}
		read = func(path string) ([]byte, error) {
			return readFile(std, filepath.Join(c.Log, filepath.FromSlash(path)), maxLogFile)
		}
	}
	seen := map[string][]byte{}
	return func(path string) ([]byte, error) {
		if data, ok := seen[path]; ok {
			return data, nil
		}
		data, err := read(path)
		if err == nil {
			seen[path] = data
		}
		return data, err
	}, nil
}

// logAddress is a log behind HTTP.
type logAddress struct {
	ctx    context.Context
	prefix string
	key    string
	client http.Client
}

func (c *verifyCmd) logAddress(ctx context.Context, std streams) (*logAddress, error) {
	u, err := url.Parse(c.Log)
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return nil, usage(std, "--log takes an address such as https://host/log/TENANT, without user, query or fragment")
	}
	key := c.EnvKey
	if c.Auth != "" {
		text, err := readFile(std, c.Auth, maxEntry)
		if err != nil {
			return nil, fmt.Errorf("key for the log: %w", err)
		}
		key = strings.TrimSpace(string(text))
	}
	if key != "" && u.Scheme != "https" && !loopback(u.Hostname()) {
		return nil, usage(std, "--log: the key would go to %s in clear: use https, or no key (--auth, EVF_KEY)", u.Hostname())
	}
	return &logAddress{ctx: ctx, prefix: strings.TrimRight(c.Log, "/") + "/", key: key, client: http.Client{
		Timeout: logTimeout,
		// A log that sends its readers elsewhere could send them, and their
		// key, anywhere.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}, nil
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

func (l *logAddress) get(path string) ([]byte, error) {
	req, err := http.NewRequestWithContext(l.ctx, http.MethodGet, l.prefix+path, nil)
	if err != nil {
		return nil, err
	}
	if l.key != "" {
		req.Header.Set("Authorization", "Bearer "+l.key)
	}
	res, err := l.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	switch {
	case res.StatusCode == http.StatusNotFound || res.StatusCode == http.StatusGone:
		return nil, fmt.Errorf("GET %s: %w", path, fs.ErrNotExist)
	case res.StatusCode == http.StatusUnauthorized || res.StatusCode == http.StatusForbidden:
		return nil, fmt.Errorf("GET %s: the log asks for a key that may read it: set EVF_KEY, or pass --auth FILE", path)
	case res.StatusCode/100 == 3:
		return nil, fmt.Errorf("GET %s: the log sends its readers elsewhere, which is not followed: pass the address it means", path)
	case res.StatusCode != http.StatusOK:
		return nil, fmt.Errorf("GET %s: the log answers %d", path, res.StatusCode)
	}
	data, err := io.ReadAll(io.LimitReader(res.Body, maxLogFile+1))
	if err == nil && len(data) > maxLogFile {
		err = errors.New("the answer is larger than any file of a log")
	}
	if err != nil {
		return nil, fmt.Errorf("GET %s: %w", path, err)
	}
	return data, nil
}
