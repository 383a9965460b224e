//! Reads never block inside a part: they say what they miss. Here the driver is as unhelpful as
//! it may be.
