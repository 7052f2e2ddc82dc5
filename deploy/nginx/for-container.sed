# Turns focys.conf into a template for the nginx image: the backend is another container, the certificate a secret.
s/your-domain\.com/${DOMAIN}/g
s/server 127\.0\.0\.1:8000;/server app:8000;/
s#/etc/letsencrypt/live/.*/fullchain\.pem#/run/secrets/tls_certificate#
s#/etc/letsencrypt/live/.*/privkey\.pem#/run/secrets/tls_key#
# Without TLS, certbot's webroot answers the authority that asks for a renewal.
/^    error_page 400 403 405 408 413 414 505/i\
    location ^~ /.well-known/acme-challenge/ {\
        root /var/www/acme;\
        default_type text/plain;\
    }
# The image's nginx is newer than Debian 12's, and warns about the older spelling.
s/^\( *\)\(listen \[::\]:443 ssl\) http2;/\1\2;\n\1http2 on;/
s/ ssl http2/ ssl/
