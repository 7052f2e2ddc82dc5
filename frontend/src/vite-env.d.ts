interface ImportMetaEnv {
  readonly VITE_API_URL?: string;
}

/** Whether the pages are built for the demo. A constant, so that other builds leave out what only the demo has. */
declare const __DEMO__: boolean;
