"""The smallest system with a link: `front` calls `back`, with a timeout, a small breaker and a fallback."""
