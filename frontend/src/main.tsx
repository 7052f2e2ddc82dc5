import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { BrowserRouter } from "react-router";
import { App } from "./App";
import { AuthProvider } from "./lib/auth";
import { surviveTranslation } from "./lib/translation";
import { Boundary } from "./ui/Boundary";
import "./ui/global.css";

const root = document.getElementById("root");
if (!root) throw new Error("index.html has no #root");

surviveTranslation(root);
createRoot(root).render(
  <StrictMode>
    <Boundary>
      <BrowserRouter>
        <AuthProvider>
          <App />
        </AuthProvider>
      </BrowserRouter>
    </Boundary>
  </StrictMode>,
);
