"""Demo: places calls and checks their results, or keeps running for the browser."""
