/** A point in time for people, in the format of their locale and in their time zone. */
export const dateAndTime = (iso: string) =>
  new Date(iso).toLocaleString([], {
    day: "numeric",
    month: "long",
    hour: "2-digit",
    minute: "2-digit",
  });
