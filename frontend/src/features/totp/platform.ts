/** iPhone, iPad or Mac; an iPad says it is a Mac. */
export const isApple = (agent = navigator.userAgent) => /iPhone|iPad|iPod|Macintosh/.test(agent);

/** The same link, for the system's own password app. */
export const appleUri = (uri: string) => uri.replace(/^otpauth:/, "apple-otpauth:");
