import { Component, type ReactNode } from "react";
import { Button } from "./Button";
import { Frame } from "./Frame";

/** The error boundary: says that a page failed to load or render, and offers a reload. */
export class Boundary extends Component<{ children: ReactNode }, { failed: boolean }> {
  override state = { failed: false };

  static getDerivedStateFromError() {
    return { failed: true };
  }

  override render() {
    if (!this.state.failed) return this.props.children;
    return (
      <Frame
        focusTitle
        appName=""
        title="This page did not load"
        lead={<p>The connection dropped, or the site was just updated.</p>}
      >
        <Button look="primary" onClick={() => window.location.reload()}>
          Reload
        </Button>
      </Frame>
    );
  }
}
