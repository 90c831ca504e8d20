//! Streams of requests to streams of decisions.
