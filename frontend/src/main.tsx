import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { BrowserRouter } from "react-router";
import { App } from "./App";
import { AuthProvider } from "./lib/auth";
import { Boundary } from "./ui/Boundary";
import "./ui/global.css";

const root = document.getElementById("root");
if (!root) throw new Error("index.html has no #root");

createRoot(root).render(
  <StrictMode>
    <BrowserRouter>
      <AuthProvider>
        <Boundary>
          <App />
        </Boundary>
      </AuthProvider>
    </BrowserRouter>
  </StrictMode>,
);
